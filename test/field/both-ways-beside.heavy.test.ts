// Source: reading the engine: it keeps a connection's poll state in slots of the thread, and connections that may
// neither be read nor take anything fill these slots for all others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
/** Seconds; longer than the engine's own time-outs of 8 to 12 s. */
const LONG = 16;
const EACH = 20;

let upstream: Server;
let gateway: TestGateway;

before(async () => {
  upstream = createServer((request, response) => {
    if (request.url === '/echo') {
      response.writeHead(200, { 'Content-Length': 1024 * MIB });
      request.pipe(response);
    } else if (request.url === '/late') {
      request.resume();
      setTimeout(() => response.end('late'), LONG * 1000);
    } else {
      let bytes = 0;
      request.on('data', (piece: Buffer) => {
        bytes += piece.length;
      });
      request.on('end', () => response.end(`${bytes} bytes`));
    }
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  gateway = await startGateway({
    upstreamPort: (upstream.address() as AddressInfo).port,
    routes: [{ auth: 'none' }],
    config: { timeouts: { bodyMinRate: 0 }, limits: { bufferedBodies: 1024 * MIB } },
  });
});

after(async () => {
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** A client that keeps sending and reads nothing. */
function stuck(): Promise<void> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1' });
  socket.on('error', () => {}); // The gateway cuts it by a reset.
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.pause();
  socket.write(`POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${1024 * MIB}\r\n\r\n`);
  const piece = Buffer.alloc(64 * 1024);
  const push = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', push);
  push();
  return closed;
}

async function body(head: string, send: (wire: Wire) => Promise<void>): Promise<string> {
  const wire = await Wire.open(gateway.port);
  wire.send(`POST ${head}\r\nHost: a.example\r\n`);
  await send(wire);
  const response = await wire.response();
  wire.close();
  return response.body;
}

const second = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000));

test('slow uploads and late responses are not cut beside clients that keep sending without reading, which are', async () => {
  const cut = Promise.all(Array.from({ length: EACH }, stuck));
  const slow = Array.from({ length: EACH }, () =>
    body('/slow HTTP/1.1', async (wire) => {
      wire.send(`Content-Length: ${LONG}\r\n\r\n`);
      for (let sent = 0; sent < LONG; sent += 1) {
        await second();
        wire.send('x');
      }
    }),
  );
  const late = Array.from({ length: EACH }, () =>
    body('/late HTTP/1.1', async (wire) => {
      wire.send('Content-Length: 2\r\n\r\na');
      await second();
      wire.send('b');
    }),
  );
  assert.deepEqual(new Set(await Promise.all(slow)), new Set([`${LONG} bytes`]));
  assert.deepEqual(new Set(await Promise.all(late)), new Set(['late']));
  await cut;
  assert.deepEqual(await gateway.outcomes(), { forwarded: 2 * EACH, client_aborted: EACH });
  await eventually(
    () => gateway.connections(),
    (seen) => (seen['busy'] ?? 0) === 0,
  );
});
