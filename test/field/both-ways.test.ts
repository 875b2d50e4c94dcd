// Source: h2o/h2o#1441, an upstream that answers at once and reads slowly; runs of whole programs: an echo of 100 MB
// was reset after 0.2 to 4.3 MB.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { settled } from '../lifetime/stream.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';

const MIB = 1024 * 1024;
/**
 * Bytes of a body, and those that the client may have sent while nothing is read at the end: the buffers of eight
 * sockets of up to 6 MB each, the memory of the programs, and the bytes of the turn in which the client is paused.
 */
const THERE_AND_BACK = { body: 160 * MIB, onTheWay: 128 * MIB };
/** The same with four sockets. */
const THERE = { body: 96 * MIB, onTheWay: 64 * MIB };

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

let upstream: Server;
let serve: Serve;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = createServer((request, response) => serve(request, response)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  gateway = await startGateway({ upstreamPort: port, routes: [{ auth: 'none' }] });
});

afterEach(async () => {
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** Sends a body as fast as the socket takes it. */
class Upload {
  readonly socket: Socket;
  readonly hash = createHash('sha256');
  left: number;

  constructor(framing: 'length' | 'chunked', size: number) {
    this.left = size;
    this.socket = connect({ port: gateway.port, host: '127.0.0.1' });
    const field = framing === 'length' ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked';
    this.socket.write(`POST /x HTTP/1.1\r\nHost: a.example\r\n${field}\r\n\r\n`);
    const push = (): void => {
      for (let free = true; free && this.left > 0; this.left -= MIB) {
        const block = Buffer.alloc(MIB, this.left / MIB);
        this.hash.update(block);
        if (framing === 'chunked') this.socket.write(`${MIB.toString(16)}\r\n`);
        free = this.socket.write(block);
        if (framing === 'chunked') this.socket.write(this.left > MIB ? '\r\n' : '\r\n0\r\n\r\n');
      }
    };
    this.socket.on('drain', push);
    push();
  }

  /** Bytes that the kernel has taken. */
  get taken(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }
}

/** Whole data of a response that has begun, without its framing. */
class ResponseReader {
  head = '';
  readonly hash = createHash('sha256');
  bytes = 0;
  ended = false;
  #rest = Buffer.alloc(0);
  /** Of the chunk, or of the whole when the length is known. */
  #left = 0;

  take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.head === '') this.#takeHead();
    if (this.head !== '') while (this.#takeData());
  }

  #takeHead(): void {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head = this.#rest.toString('latin1', 0, end);
    this.#left = Number(/^content-length: (\d+)$/im.exec(this.head)?.[1] ?? 0);
    // The CRLF before the first chunk's length, as before every other.
    this.#rest = this.#rest.subarray(/^transfer-encoding: chunked$/im.test(this.head) ? end + 2 : end + 4);
  }

  #takeData(): boolean {
    if (this.#left > 0) {
      const data = this.#rest.subarray(0, this.#left);
      this.hash.update(data);
      this.bytes += data.length;
      this.#left -= data.length;
      this.#rest = this.#rest.subarray(data.length);
      if (this.#left > 0) return false;
      this.ended = /^content-length:/im.test(this.head);
      return !this.ended;
    }
    const line = /^\r\n([0-9a-f]+)\r\n/i.exec(this.#rest.toString('latin1', 0, 20));
    if (this.ended || line === null) return false;
    this.#left = Number.parseInt(line[1] as string, 16);
    this.#rest = this.#rest.subarray(line[0].length);
    this.ended = this.#left === 0;
    return !this.ended;
  }
}

describe('an echo whose client reads nothing for a while', () => {
  for (const framing of ['length', 'chunked'] as const) {
    for (const responseFraming of ['length', 'chunked'] as const) {
      test(`pauses a body framed by ${framing}, answered by ${responseFraming}, and is whole later`, async () => {
        serve = (request, response) => {
          response.writeHead(
            200,
            responseFraming === 'length' ? { 'Content-Length': THERE_AND_BACK.body } : {},
          );
          request.pipe(response);
        };
        const upload = new Upload(framing, THERE_AND_BACK.body);
        const reader = new ResponseReader();
        upload.socket.pause();
        const taken = await settled(() => upload.taken);
        assert.ok(taken < THERE_AND_BACK.onTheWay, `${taken} bytes were taken`);
        upload.socket.on('data', (bytes) => reader.take(bytes));
        upload.socket.resume();
        await eventually(
          () => reader.ended,
          (ended) => ended,
        );
        assert.deepEqual(
          [reader.bytes, reader.hash.digest('hex')],
          [THERE_AND_BACK.body, upload.hash.digest('hex')],
        );
        assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
        upload.socket.destroy();
      });
    }
  }
});

describe('an upload to an upstream that has responded, and reads at any time', () => {
  const responses: Record<string, (response: ServerResponse) => void> = {
    'at once': (response) => response.writeHead(200, { 'Content-Length': 2 }).end('ok'),
    'without a body': (response) => response.writeHead(204).end(),
    'in chunks': (response) => {
      response.write('o');
      setImmediate(() => response.end('k'));
    },
    'in pieces': (response) => {
      response.writeHead(200, { 'Content-Length': 2 }).write('o');
      setImmediate(() => response.end('k'));
    },
  };
  for (const framing of ['length', 'chunked'] as const) {
    for (const [name, respond] of Object.entries(responses)) {
      test(`${name}, of a body framed by ${framing}`, async () => {
        let request: IncomingMessage | undefined;
        let received = 0;
        serve = (message, response) => {
          request = message;
          // A request that was not read is read and dropped after its response.
          message.read(0);
          message.on('data', (bytes: Buffer) => {
            received += bytes.length;
          });
          message.pause();
          respond(response);
        };
        const upload = new Upload(framing, THERE.body);
        let text = '';
        upload.socket.on('data', (bytes) => {
          text += bytes.toString('latin1');
        });
        const taken = await settled(() => upload.taken);
        assert.ok(taken < THERE.onTheWay, `${taken} bytes were taken`);
        // Before the end of its body, the client has its response, or all but the end of it.
        assert.match(text, name === 'without a body' ? /^HTTP\/1\.1 204 / : /^HTTP\/1\.1 200 [\s\S]*o/);
        const whole = new Promise<void>((resolve) => request?.on('end', resolve));
        request?.resume();
        await whole;
        assert.equal(received, THERE.body);
        if (name !== 'without a body') {
          await eventually(
            () => text,
            (seen) => /o(\r\n\r\n?1\r\n|\r\n1\r\n)?k/.test(seen),
          );
        }
        const seen = await eventually(
          () => gateway.outcomes(),
          (outcomes) => outcomes['forwarded'] === 1,
        );
        assert.deepEqual(seen, { forwarded: 1 });
        upload.socket.destroy();
      });
    }
  }
});
