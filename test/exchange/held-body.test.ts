import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { settled } from '../lifetime/stream.ts';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';

const MIB = 1024 * 1024;
/** Bytes of the turn in which the client is paused, and of the kernel's buffers of two socket pairs. */
const ALLOWED = 16 * MIB + 32 * MIB;

/** Bytes; several times what may be on the way. */
const BODY = 192 * MIB;

let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  gateway = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

test('an upload that upstream stops reading after the start of its response is paused, and whole when upstream reads on', async () => {
  const client = connect({ port: gateway.port, host: '127.0.0.1' });
  let responded = '';
  client.setEncoding('latin1').on('data', (text) => {
    responded += text;
  });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY}\r\n\r\n`);
  const upstream = await origin.connection();
  await upstream.head();
  upstream.socket.pause();
  upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  const block = Buffer.alloc(MIB, 'b');
  let left = BODY;
  const push = (): void => {
    for (let free = true; free && left > 0; left -= MIB) free = client.write(block);
  };
  client.on('drain', push);
  push();
  const taken = await settled(() => client.bytesWritten - client.writableLength);
  assert.ok(taken < ALLOWED, `${taken} bytes were taken`);
  let received = 0;
  upstream.socket.removeAllListeners('data');
  upstream.socket.on('data', (bytes) => {
    received += bytes.length;
    if (received === BODY) upstream.write('0\r\n\r\n');
  });
  upstream.socket.resume();
  await eventually(
    () => responded,
    (seen) => seen.endsWith('\r\n0\r\n\r\n'),
  );
  assert.equal(received, BODY);
  assert.deepEqual(await gateway.outcomes(), { forwarded: 1 });
  client.destroy();
  upstream.socket.destroy();
});
