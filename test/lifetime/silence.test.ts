import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { eventually, inFlight, startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { settled, takenOf } from './stream.ts';

/** Bytes of a chunk which the engine gets in one piece, so that it is the last one when the socket refuses it. */
const CHUNK_BYTES = 10_000;

// The engine keeps a piece that the client's socket refused, and sends it with the next one: there is none here.
test('a client that resumes reading gets all that upstream sent, although upstream sends no more', async () => {
  const origin = await Origin.start();
  const gateway = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
  const request = get({ port: gateway.port, host: '127.0.0.1', path: '/x', agent: false });
  request.on('error', () => {}); // It is cut below.
  try {
    const responded = once(request, 'response');
    const upstream = await origin.connection();
    await upstream.head();
    upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `${CHUNK_BYTES.toString(16)}\r\n${'b'.repeat(CHUNK_BYTES)}\r\n`;
    const waits = (): boolean => {
      const [exchange] = inFlight(gateway);
      return exchange?.client.behind === true;
    };
    let sent = 0;
    const send = (): void => {
      upstream.write(chunk);
      sent += CHUNK_BYTES;
    };
    send();
    const [response] = (await responded) as [IncomingMessage];
    while (!waits()) {
      const before = takenOf(upstream.socket);
      send();
      await eventually(
        () => takenOf(upstream.socket),
        (bytes) => bytes > before,
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settled(() => takenOf(upstream.socket));
    let received = 0;
    response.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    await eventually(
      () => received,
      (bytes) => bytes === sent,
    );
    assert.deepEqual(await gateway.outcomes(), {});
  } finally {
    request.destroy();
    await gateway.close();
    await origin.close();
  }
});
