import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

const CLIENTS = 100;
/** The default budget of that many requests. */
const BUDGET = 20;

let servers: Server[];
let held: ServerResponse[];
let gateway: TestGateway;

beforeEach(async () => {
  held = [];
  servers = [];
  for (let count = 0; count < 3; count += 1) {
    const server = createServer((_, response) => void held.push(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
  }
  const [first, ...others] = servers.map((server) => (server.address() as AddressInfo).port);
  gateway = await startGateway({
    upstreamPort: first as number,
    upstreamPorts: others,
    routes: [{ auth: 'none' }],
    retries: { attempts: 5, on: ['connect', 'reset', 'unavailable'] },
  });
});

afterEach(async () => {
  await gateway.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

for (const [how, fail] of [
  ['reset', (response: ServerResponse) => void response.socket?.resetAndDestroy()],
  [
    'refused as unavailable',
    (response: ServerResponse) => void response.writeHead(503, { 'retry-after': '7' }).end(),
  ],
] as const) {
  test(`of requests that are ${how} together, the budget's share is sent again`, async () => {
    const responses = Array.from({ length: CLIENTS }, () =>
      request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    );
    await eventually(
      () => held.length,
      (count) => count === CLIENTS,
    );
    let over = 0;
    for (const response of responses) void response.then(() => (over += 1));
    for (const response of held.splice(0)) fail(response);
    // What is sent again is held, and all others have their failure.
    await eventually(
      () => over + held.length,
      (count) => count === CLIENTS,
    );
    const again = held.length;
    assert.ok(3 <= again && again <= BUDGET, `${again} of ${CLIENTS}`);
    for (const response of held.splice(0)) response.end('ok');
    const all = await Promise.all(responses);
    assert.equal(all.filter(({ status }) => status === 200).length, again);
    const failed = all.filter(({ status }) => status !== 200);
    assert.equal(failed.length, CLIENTS - again);
    for (const { status, headers } of failed) {
      assert.deepEqual([status, headers.get('retry-after')], how === 'reset' ? [502, undefined] : [503, '7']);
    }
    const metrics = await request(
      gateway.adminPort,
      'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );
    for (const [result, count] of [
      ['sent', again],
      ['over_budget', CLIENTS - again],
    ] as const) {
      const line = `portcullis_upstream_retries_total{upstream="app",result="${result}"} ${count}\n`;
      assert.ok(metrics.body.includes(line), line);
    }
    // Places of the budget are free again.
    const later = request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await eventually(
      () => held.length,
      (count) => count === 1,
    );
    for (const response of held.splice(0)) fail(response);
    await eventually(
      () => held.length,
      (count) => count === 1,
    );
    held[0]?.end('ok');
    assert.equal((await later).status, 200);
  });
}
