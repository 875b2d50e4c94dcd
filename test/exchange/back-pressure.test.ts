import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { settled } from '../lifetime/stream.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import type { Origin, OriginConnection } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
const TOTAL = 64 * MIB;
/**
 * Most bytes that may be on their way to a client that does not read: two socket pairs of the kernel, which grow to
 * some 10 MB each, and what the gateway holds, which must not count in megabytes.
 */
const ON_THE_WAY = 32 * MIB;
/**
 * Uploads are larger: the engine goes on reading a paused client while it finds its receive buffer full, and a fast
 * sender on the same machine can keep it full for tens of megabytes.
 */
const UPLOAD = 192 * MIB;
const UPLOAD_ON_THE_WAY = 96 * MIB;

let origin: Origin;
let gateway: TestGateway;

publicGateway('once', (made) => {
  ({ origin, gateway } = made);
});

afterEach(async () => {
  const { idle: _, ...others } = await eventually(
    () => gateway.connections(),
    (seen) => (seen['busy'] ?? 0) === 0,
  );
  assert.deepEqual(others, {});
});

const block = randomBytes(MIB);
const blockDigest = (count: number): string => {
  const hash = createHash('sha256');
  for (let at = 0; at < count; at += 1) hash.update(block);
  return hash.digest('hex');
};

/** Sends TOTAL bytes as fast as the gateway takes them. */
async function pump(connection: OriginConnection, chunked: boolean): Promise<void> {
  for (let at = 0; at < TOTAL; at += MIB) {
    if (chunked) connection.write(`${MIB.toString(16)}\r\n`);
    const free = connection.socket.write(block);
    if (chunked) connection.write('\r\n');
    if (!free) await once(connection.socket, 'drain');
  }
  if (chunked) connection.write('0\r\n\r\n');
}

interface Asked {
  /** Resolves with the first byte of the body, and reads no further. */
  readonly response: Promise<IncomingMessage>;
  readonly upstream: OriginConnection;
}

async function ask(): Promise<Asked> {
  const connection = origin.connection();
  const request = get({ port: gateway.port, host: '127.0.0.1', path: '/x', agent: false });
  const response = once(request, 'response').then(([message]) => message as IncomingMessage);
  const upstream = await connection;
  await upstream.head();
  return { response, upstream };
}

async function hashOf(message: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of message) hash.update(bytes as Buffer);
  assert.equal(message.complete, true);
  return hash.digest('hex');
}

describe('a client that does not read', () => {
  for (const framing of ['length', 'chunked', 'close'] as const) {
    test(`stops a response framed by ${framing}, and gets all of it later`, async () => {
      const { response, upstream } = await ask();
      const heads = {
        length: `Content-Length: ${TOTAL}\r\n`,
        chunked: 'Transfer-Encoding: chunked\r\n',
        close: '',
      };
      upstream.write(`HTTP/1.1 200 OK\r\n${heads[framing]}\r\n`);
      const sent = pump(upstream, framing === 'chunked').then(() => {
        if (framing === 'close') upstream.socket.end();
      });
      const message = await response;
      const taken = await settled(() => upstream.taken);
      assert.ok(taken < ON_THE_WAY, `${taken} bytes were taken from upstream`);
      assert.equal(await hashOf(message), blockDigest(TOTAL / MIB));
      await sent;
      upstream.socket.destroy();
    });
  }

  test('gets the last bytes and the end of a chunked response when they had to wait', async () => {
    const { response, upstream } = await ask();
    upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    // Chunks that reach the gateway one by one, until it takes no more; then the end, and silence.
    const hash = createHash('sha256');
    const send = (bytes: Buffer): void => {
      hash.update(bytes);
      upstream.write(
        Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
      );
    };
    send(block);
    const message = await response;
    while (upstream.socket.writableLength === 0) {
      send(block.subarray(0, 16 * 1024));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settled(() => upstream.taken);
    upstream.write('0\r\n\r\n');
    assert.equal(await hashOf(message), hash.digest('hex'));
    upstream.socket.destroy();
  });
});

describe('an upstream that does not read', () => {
  for (const framing of ['length', 'chunked'] as const) {
    test(`stops an upload framed by ${framing}, and gets all of it later`, async () => {
      const wire = await Wire.open(gateway.port);
      const connection = origin.connection();
      const line = framing === 'length' ? `Content-Length: ${UPLOAD}` : 'Transfer-Encoding: chunked';
      wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\n${line}\r\n\r\n`);
      const upstream = await connection;
      const requestHead = await upstream.head();
      assert.ok(requestHead.toLowerCase().includes(line.toLowerCase()));
      upstream.socket.pause();
      const text = block.toString('latin1');
      const sent = (async () => {
        for (let at = 0; at < UPLOAD; at += MIB) {
          wire.send(framing === 'length' ? text : `${MIB.toString(16)}\r\n${text}\r\n`);
          await wire.sent();
        }
        if (framing === 'chunked') wire.send('0\r\n\r\n');
      })();
      const taken = await settled(() => wire.taken);
      assert.ok(taken < UPLOAD_ON_THE_WAY, `${taken} bytes were taken from the client`);
      const body = framing === 'length' ? upstream.hash(UPLOAD) : upstream.unchunkedHash();
      upstream.socket.resume();
      assert.equal(await body, blockDigest(UPLOAD / MIB));
      await sent;
      upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      assert.equal((await wire.response()).body, 'ok');
      wire.close();
      upstream.socket.destroy();
    });
  }
});

describe('both at once', () => {
  test('a response that starts before the upload ends, slow on both sides, arrives whole on both', async () => {
    const size = 16 * MIB;
    const wire = await Wire.open(gateway.port);
    const connection = origin.connection();
    wire.send(`POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${size}\r\n\r\n`);
    const upstream = await connection;
    await upstream.head();
    upstream.socket.pause();
    wire.pauseReading();
    upstream.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    for (let at = 0; at < size; at += MIB) {
      wire.send(block.toString('latin1'));
      upstream.write(block);
    }
    await settled(() => wire.taken + upstream.taken);
    const body = upstream.hash(size);
    upstream.socket.resume();
    wire.resumeReading();
    assert.equal(await body, blockDigest(size / MIB));
    const response = await wire.response();
    assert.equal(createHash('sha256').update(Buffer.from(response.body, 'latin1')).digest('hex'), await body);
    wire.close();
    upstream.socket.destroy();
  });
});
