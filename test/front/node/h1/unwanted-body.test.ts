import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { ClientStream } from '../../../../src/front/front.ts';
import type { ClientSocket } from '../../../../src/front/node/client-socket.ts';
import { H1Connection } from '../../../../src/front/node/h1/connection.ts';
import { HeadParser } from '../../../../src/front/node/h1/head-parser.ts';
import type { Reply } from '../../../../src/http/message.ts';
import { usualLimits } from './request-player.ts';

/** Milliseconds that a client has for the rest of a body which its response did not wait for. */
const DRAIN_MS = 30_000;
/** Milliseconds in which a client must take something; more than the above, so that a test can tell the two apart. */
const SEND_MS = 60_000;

const refusal: Reply = {
  head: { status: 401, lines: '401 Unauthorized', framing: 'length', contentLength: 2, eightBit: false },
  body: Buffer.from('no'),
  close: false,
};

/** Takes what is written, or with `full` none of it. */
class FakeSocket implements ClientSocket {
  readonly scheme = 'http';
  readonly peer = '127.0.0.1';
  readonly localHost = 'a.example';
  full = false;
  written = '';
  ended = false;

  get unsent(): number {
    return this.full ? this.written.length : 0;
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    this.written += text + Buffer.concat(pieces).toString('latin1') + behind;
    return !this.full;
  }

  write(data: Uint8Array): boolean {
    return this.writeMessage('', [data], '');
  }

  writeLatin1(text: string): boolean {
    return this.writeMessage(text, [], '');
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.ended = true;
  }

  endWriting(): void {}

  destroy(): void {
    assert.fail('a client that has its reply is not reset');
  }
}

let socket: FakeSocket;
let connection: H1Connection;
let shared: Buffer;

beforeEach(() => {
  socket = new FakeSocket();
  const parser = new HeadParser();
  shared = Buffer.alloc(65_536);
  parser.view(shared);
  connection = new H1Connection(socket, {
    limits: usualLimits,
    parser,
    events: {
      onRequest: (stream: ClientStream) => stream.reply(refusal),
      onFault: (error: unknown) => assert.fail(String(error)),
      onProxyRefused: () => {},
    },
    requestsPerConnection: Number.POSITIVE_INFINITY,
    draining: false,
    requestHeadMs: 15_000,
    keepAliveMs: 75_000,
    sendMs: SEND_MS,
  });
});

function receive(text: string): void {
  connection.onBytes(shared.subarray(0, shared.write(text, 'latin1')));
}

/** Reviews each second of (from, to]. @returns the millisecond at which the connection ended; undefined if it did not. */
function reviewed(from: number, to: number, each: () => void = () => {}): number | undefined {
  for (let now = from + 1_000; now <= to; now += 1_000) {
    each();
    connection.review(now);
    if (socket.ended) return now;
  }
  return undefined;
}

const head = 'POST /x HTTP/1.1\r\nHost: a.example\r\n';
const framings = {
  length: {
    begin: `${head}Content-Length: 1000\r\n\r\n`,
    piece: 'b',
    end: (sent: number) => 'b'.repeat(1000 - sent),
  },
  chunked: {
    begin: `${head}Transfer-Encoding: chunked\r\n\r\n`,
    piece: '1\r\nb\r\n',
    end: () => '0\r\n\r\n',
  },
};

for (const [name, { begin, piece, end }] of Object.entries(framings)) {
  describe(`a refused body framed by ${name}`, () => {
    test('that does not go on ends its connection', () => {
      receive(begin);
      assert.match(socket.written, /^HTTP\/1\.1 401 /);
      assert.equal(reviewed(0, 100_000), 1_000 + DRAIN_MS);
    });

    test('that trickles ends its connection at the same time', () => {
      receive(begin);
      assert.equal(
        reviewed(0, 100_000, () => receive(piece)),
        1_000 + DRAIN_MS,
      );
    });

    test('that ends before leaves its connection for another request', () => {
      receive(begin);
      assert.equal(reviewed(0, DRAIN_MS), undefined);
      receive(end(0));
      assert.equal(reviewed(DRAIN_MS, 2 * DRAIN_MS), undefined);
      receive(begin);
      assert.equal(socket.written.split('HTTP/1.1 401 ').length, 3);
      assert.equal(reviewed(100_000, 200_000), 101_000 + DRAIN_MS);
    });
  });
}

test('a client that takes nothing of a reply loses its connection after timeouts.send', () => {
  socket.full = true;
  receive('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal(reviewed(0, 200_000), 1_000 + SEND_MS);
});

test('a client that takes its reply late keeps its connection', () => {
  socket.full = true;
  receive('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
  assert.equal(reviewed(0, SEND_MS), undefined);
  socket.full = false;
  connection.onDrained();
  assert.equal(reviewed(SEND_MS, SEND_MS + 70_000), undefined);
});
