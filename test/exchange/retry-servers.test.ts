import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { recordingLog } from '../support/recording-log.ts';
import { request } from '../support/wire.ts';

let origin: Server;
let gateway: TestGateway;
const bodies: string[] = [];

beforeEach(async () => {
  bodies.length = 0;
  origin = createServer(async (received, response) => {
    let body = '';
    for await (const chunk of received) body += chunk;
    bodies.push(body);
    response.end('ok');
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
});

afterEach(async () => {
  await gateway.close();
  origin.closeAllConnections();
  origin.close();
  await once(origin, 'close');
});

/** A port on which no server listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A gateway with a server that works, and others that cannot be reached. */
async function start(options: Partial<TestOptions> = {}): Promise<void> {
  const { port } = origin.address() as AddressInfo;
  gateway = await startGateway({
    upstreamPort: port,
    upstreamPorts: [await closedPort()],
    routes: [{ auth: 'none' }],
    reuse: false,
    ...options,
  });
}

const REQUESTS = 30; // One of two servers is drawn for each: that none draws the dead one is less likely than 1 in 10^9.
const large = 'x'.repeat(300_000);
const head = 'POST /x HTTP/1.1\r\nHost: a\r\n';

for (const [name, text, body] of [
  ['none', 'Content-Length: 0\r\n\r\n', ''],
  ['a length', 'Content-Length: 5\r\n\r\nhello', 'hello'],
  ['a length, of more bytes than are held', `Content-Length: ${large.length}\r\n\r\n${large}`, large],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'hello'],
] as const) {
  test(`a request goes whole to a server that can be reached, with a body of ${name}`, async () => {
    const { log, lines } = recordingLog();
    await start({ log, config: { log: { level: 'info', access: 1 } } });
    for (let count = 0; count < REQUESTS; count += 1) {
      assert.equal((await request(gateway.port, head + text)).status, 200);
    }
    assert.equal(bodies.length, REQUESTS);
    assert.ok(bodies.every((one) => one === body));
    const seen = await eventually(
      () => lines,
      (all) => all.length === REQUESTS,
    );
    const again = seen.filter((line) => 'attempts' in line && line.attempts === 2).length;
    assert.ok(again > 0);
    const metrics = (await request(gateway.adminPort, 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'))
      .body;
    assert.match(metrics, new RegExp(`upstream_retries_total\\{upstream="app",result="sent"\\} ${again}\n`));
  });
}

test('with attempts: 0 a request fails with the server that it was sent to', async () => {
  await start({ retries: { attempts: 0 } });
  const statuses = new Set<number>();
  for (let count = 0; count < REQUESTS; count += 1) {
    statuses.add((await request(gateway.port, `${head}Content-Length: 5\r\n\r\nhello`)).status);
  }
  assert.deepEqual(statuses, new Set([200, 502]));
});

test('where no server can be reached, the request fails with the last one', async () => {
  await start({ upstreamPort: await closedPort() });
  const response = await request(gateway.port, `${head}Content-Length: 5\r\n\r\nhello`);
  assert.deepEqual([response.status, JSON.parse(response.body).code], [502, 'upstream_unreachable']);
});
