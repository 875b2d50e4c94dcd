import type { Input } from './input.ts';
import type { Random } from './random.ts';

/** Bytes of the longest input: room for several heads, and short enough to be quick. */
const MAX_INPUT = 4096;
/** Most changes made to one input. */
const MAX_CHANGES = 4;

const tokens = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\r\n ',
  '\0',
  '\t',
  ' ',
  ':',
  ';',
  ',',
  '"',
  '\x80',
  '\x7f',
  '0',
  '+',
  '-',
  '_',
  '0x',
  'f',
  '0\r\n\r\n',
  '1\r\na\r\n',
  ';a="b"',
  ';a\r\n',
  ' ;a',
  'ffffffffffffffff',
  '20000000000000',
  'HTTP/1.1 ',
  'HTTP/1.0 ',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length:',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, X-A\r\n',
  'X-A: 1\r\n',
  'X-A:1 \t\r\n',
  'Upgrade: x\r\n',
  'Trailer: X-A\r\n',
].map((token) => Buffer.from(token, 'latin1'));

/** A part of the bytes, empty or up to all of them. */
function part(random: Random, bytes: Buffer): Buffer {
  const from = random.below(bytes.length + 1);
  return bytes.subarray(from, from + random.below(bytes.length - from + 1));
}

function change(random: Random, bytes: Buffer, other: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.below(8)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return Buffer.concat([before, Buffer.of(random.below(256)), behind.subarray(1)]);
    case 2:
      return Buffer.concat([before, random.pick(tokens), behind]);
    case 3:
      return Buffer.concat([before, random.pick(tokens), behind.subarray(1 + random.below(16))]);
    case 4:
      return Buffer.concat([before, behind.subarray(1 + random.below(16))]);
    case 5:
      return before;
    case 6:
      return Buffer.concat([before, part(random, other), behind]);
    default:
      return Buffer.concat([before, part(random, bytes), behind]);
  }
}

/** An input made from these two; both stay unchanged. */
export function mutate(random: Random, input: Input, other: Input): Input {
  let { bytes } = input;
  for (let changes = 1 + random.below(MAX_CHANGES); changes > 0; changes -= 1)
    bytes = change(random, bytes, other.bytes);
  const method = random.below(16) === 0 ? (random.below(2) === 0 ? 'GET' : 'HEAD') : input.method;
  return { method, bytes: Buffer.from(bytes.subarray(0, MAX_INPUT)) };
}
