import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';

const MIB = 1024 * 1024;
/** What one body may hold, in bytes, and what the kernel's buffers of two socket pairs take on the way. */
const ALLOWED = 16 * MIB + 32 * MIB;

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

test('an upload that upstream stopped reading after it began its answer is cut, not held without end', async () => {
  const client = connect({ port: gateway.port, host: '127.0.0.1' });
  client.on('error', () => {}); // The cut is what the test waits for.
  client.resume();
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1024 * MIB}\r\n\r\n`);
  const upstream = await origin.connection();
  await upstream.head();
  upstream.socket.pause();
  upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
  const closed = new Promise((resolve) => client.on('close', resolve));
  const block = Buffer.alloc(MIB);
  const push = (): void => {
    while (!client.destroyed && client.bytesWritten - client.writableLength < 1024 * MIB) {
      if (!client.write(block)) return;
    }
  };
  client.on('drain', push);
  push();
  await closed;
  const sent = client.bytesWritten - client.writableLength;
  assert.ok(sent < ALLOWED, `${sent} bytes were taken`);
  await eventually(
    () => gateway.outcomes(),
    (seen) => seen['upstream_overloaded'] === 1,
  );
});
