import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const MIB = 1024 * 1024;
const EACH = 4 * MIB;
const CLIENTS = 8;

let upstream: Server;
let gateway: TestGateway;

/** Responds with the digest of the body, which it reads irregularly, each connection at its own pace. */
before(async () => {
  upstream = createServer((incoming, response) => {
    const hash = createHash('sha256');
    const pauseAbove = Number(incoming.headers['x-pause-above']);
    let since = 0;
    incoming.on('data', (bytes: Buffer) => {
      hash.update(bytes);
      since += bytes.length;
      if (since < pauseAbove) return;
      since = 0;
      incoming.pause();
      setTimeout(() => incoming.resume(), 1);
    });
    incoming.on('end', () => response.end(hash.digest('hex')));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  gateway = await startGateway({ upstreamPort: port, routes: [{ auth: 'none' }] });
});

after(async () => {
  await gateway.close();
  upstream.close();
});

/** Uploads `body` in pieces of `size` bytes; resolves with the response. */
function upload(body: Buffer, size: number, pauseAbove: number, chunked: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const length = chunked ? {} : { 'Content-Length': body.length };
    const headers = { 'X-Pause-Above': pauseAbove, ...length };
    const options = {
      port: gateway.port,
      host: '127.0.0.1',
      path: '/',
      method: 'POST',
      headers,
      agent: false,
    };
    const outgoing = request(options, (response) => {
      response.setEncoding('latin1');
      let text = '';
      response.on('data', (bytes) => {
        text += bytes;
      });
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', reject);
    const pieces = function* (): Generator<Buffer> {
      for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
    };
    Readable.from(pieces()).pipe(outgoing);
  });
}

// All uploads share the memory that carries their bytes, and use it repeatedly.
describe('uploads at the same time reach upstream unmixed', () => {
  for (const chunked of [false, true]) {
    test(`framed by ${chunked ? 'chunks' : 'length'}`, async () => {
      const bodies = Array.from({ length: CLIENTS }, () => randomBytes(EACH));
      const responses = await Promise.all(
        bodies.map((body, at) => upload(body, 1000 * 4 ** (at % 4), 32 * 1024 * 4 ** (at % 5), chunked)),
      );
      assert.deepEqual(
        responses,
        bodies.map((body) => createHash('sha256').update(body).digest('hex')),
      );
    });
  }
});
