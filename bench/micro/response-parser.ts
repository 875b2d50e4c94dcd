import { systemClock } from '../../src/lib/clock.ts';
import type { ResponseEvents, ResponseHead } from '../../src/upstream/response-head.ts';
import { ResponseParser } from '../../src/upstream/response-parser.ts';

/** Times the response parser alone, in ns per message: `node dist/bench/micro/response-parser.js`. */
const rounds = 7;
const messages = 200_000;

const samples: Readonly<Record<string, string>> = {
  'small head and 26 bytes':
    'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 22 Sep 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 26\r\nConnection: keep-alive\r\nCache-Control: no-store\r\nX-Request: 1234567\r\n\r\n' +
    'abcdefghijklmnopqrstuvwxyz',
  'same, chunked':
    'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 22 Sep 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n' +
    'Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nCache-Control: no-store\r\nX-Request: 123\r\n\r\n' +
    '1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n',
  '304 without body':
    'HTTP/1.1 304 Not Modified\r\nDate: Tue, 22 Sep 2026 10:00:00 GMT\r\nETag: "abc"\r\n\r\n',
  '1 KB head': `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${Array.from(
    { length: 20 },
    (_, index) => `X-Header-${index}: ${'v'.repeat(32)}\r\n`,
  ).join('')}\r\n`,
};

class Sink implements ResponseEvents {
  seen = 0;
  onHead(head: ResponseHead): void {
    this.seen += head.rest.length;
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
for (const [name, text] of Object.entries(samples)) {
  const bytes = Buffer.from(text, 'latin1');
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const begin = systemClock.monotonic();
    for (let message = 0; message < messages; message += 1) {
      parser.start('GET');
      if (parser.push(bytes, bytes.length) !== bytes.length) throw new Error(`${name}: ${parser.fault}`);
    }
    best = Math.min(best, systemClock.monotonic() - begin);
  }
  process.stdout.write(`${name}: ${Math.round((best * 1e6) / messages)} ns for ${bytes.length} bytes\n`);
}
process.stdout.write(`checksum ${sink.seen}\n`);
