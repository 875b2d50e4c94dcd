import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

/** Far beyond the three retries that the budget always allows. */
const AT_A_TIME = 40;

test('no request fails because one of two servers refuses connections, however many come at a time', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const refusing = (gone.address() as AddressInfo).port;
  await new Promise((closed) => gone.close(closed));
  // It responds when all have come, so each of them needs a connection of its own.
  const held: (() => void)[] = [];
  let served = 0;
  const up = createServer((request, response) => {
    served += 1;
    request.resume();
    held.push(() => response.end('ok'));
    if (served % AT_A_TIME === 0) for (const respond of held.splice(0)) respond();
  }).listen(0, '127.0.0.1');
  await once(up, 'listening');
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    upstreamPort: refusing,
    upstreamPorts: [(up.address() as AddressInfo).port],
    retries: { attempts: 1, budget: 0.01, on: ['connect'] },
  });
  try {
    for (const head of [
      'GET /x HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
    ]) {
      const responses = await Promise.all(
        Array.from({ length: AT_A_TIME }, () => request(gateway.port, head)),
      );
      assert.deepEqual(
        responses.filter(({ status }) => status !== 200),
        [],
      );
    }
    assert.equal(served, 2 * AT_A_TIME);
  } finally {
    await gateway.close();
    up.closeAllConnections();
    up.close();
  }
});
