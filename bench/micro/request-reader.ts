import { HeadParser } from '../../src/front/node/h1/head-parser.ts';
import { RequestReader } from '../../src/front/node/h1/request-reader.ts';
import { compare } from './timing.ts';

// Reading a request head of HTTP/1.1 with all rules; baseline: the head as a string, without a look at it.

const CALLS = 200_000;
/** Bytes of a head with a usual token and some fields of a browser. */
const HEAD = 1157;

/** A head of `HEAD` bytes; `mark`, one digit, makes it differ from another one. */
function headWith(path: string, mark: number): string {
  const fields = [
    'Host: api.example.com',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64)',
    'Accept: application/json, text/plain, */*',
    'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br',
    `X-Request-Id: 0123456789abcde${mark}`,
    'Connection: keep-alive',
  ];
  const before = `GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\nAuthorization: Bearer `;
  return `${before}${'a'.repeat(HEAD - before.length - 4)}\r\n\r\n`;
}

const buffer = Buffer.allocUnsafeSlow(65_536);
const terms = { limits: { requestHead: 16_384, headerFields: 100 }, parser: new HeadParser() };
terms.parser.view(buffer);
const first = headWith('/api/orders/17', 1);
const other = headWith('/api/orders/18', 2);
const otherPath = headWith('/api/orders/19', 1);
const at = [0, HEAD, 2 * HEAD].map((from, index) => {
  buffer.write([first, other, otherPath][index] as string, from, 'latin1');
  return from;
}) as [number, number, number];

/** Reads two heads in turns. */
function turns(one: number, two: number): () => number {
  const reader = new RequestReader(terms, { scheme: 'http', localHost: 'localhost' });
  let from = one;
  return () => {
    from = from === one ? two : one;
    if (reader.read(buffer, from, from + HEAD) !== from + HEAD) throw new Error('the head was not read');
    return reader.takeHead().names.length;
  };
}

compare(`a request head of ${HEAD} bytes`, CALLS, {
  'the bytes as a string': () => buffer.toString('latin1', 0, HEAD).length,
  'fields unlike those before': turns(at[0], at[1]),
  'another target, the same fields': turns(at[0], at[2]),
  'the same head': turns(at[0], at[0]),
});
