import type { ResponseEvents, ResponseHead } from '../../src/upstream/h1/response-head.ts';
import { ResponseParser } from '../../src/upstream/h1/response-parser.ts';
import { compare } from './timing.ts';

// Reading a response; baseline: its bytes as a string, unread.

const CALLS = 200_000;
const DATE = 'Date: Tue, 22 Sep 2026 10:00:00 GMT\r\n';
const FIELDS = 'Connection: keep-alive\r\nCache-Control: no-store\r\nX-Request: 1234567\r\n';
const TEXT = `Server: nginx\r\n${DATE}Content-Type: text/plain\r\n${FIELDS}`;
const LONG = Array.from({ length: 20 }, (_, index) => `X-Header-${index}: ${'v'.repeat(32)}\r\n`).join('');

const responses: Readonly<Record<string, string>> = {
  '26 bytes by length': `HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz`,
  '26 bytes in a chunk': `HTTP/1.1 200 OK\r\n${TEXT}Transfer-Encoding: chunked\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n`,
  '304 without a body': `HTTP/1.1 304 Not Modified\r\n${DATE}ETag: "abc"\r\n\r\n`,
  'a head of 1 KB': `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${LONG}\r\n`,
};

class Sink implements ResponseEvents {
  seen = 0;
  onHead(head: ResponseHead): void {
    this.seen += head.lines.length;
  }
  onBody(chunk: Uint8Array): void {
    this.seen += chunk.length;
  }
  onComplete(): void {
    this.seen += 1;
  }
}

const sink = new Sink();
const parser = new ResponseParser(sink, { head: 65_536 });
const [first = ''] = Object.values(responses);
const firstBytes = Buffer.from(first, 'latin1');

compare('an answer', CALLS, {
  'the bytes as a string': () => firstBytes.toString('latin1').length,
  ...Object.fromEntries(
    Object.entries(responses).map(([name, text]) => {
      const bytes = Buffer.from(text, 'latin1');
      const read = (): number => {
        parser.start('GET');
        return parser.push(bytes, bytes.length) === bytes.length ? sink.seen : Number.NaN;
      };
      return [`${name}, ${bytes.length} bytes`, read];
    }),
  ),
});
