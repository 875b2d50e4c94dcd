import { mutateBytes, tokensOf } from '../../../support/fuzz/mutate.ts';
import type { Random } from '../../../support/fuzz/random.ts';
import type { Input } from './input.ts';

const tokens = tokensOf([
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
]);

/** An input made from these two; both stay as they are. */
export function mutate(random: Random, input: Input, other: Input): Input {
  const bytes = mutateBytes(random, input.bytes, other.bytes, tokens);
  const method = random.below(16) === 0 ? (random.below(2) === 0 ? 'GET' : 'HEAD') : input.method;
  return { method, bytes };
}
