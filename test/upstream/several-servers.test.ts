import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { UpstreamServer } from '../../src/config/upstream-config.ts';
import { addressText } from '../../src/http/host-port.ts';
import type { ServerFact } from '../../src/upstream/server-facts.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import {
  eventually,
  retryDefaults,
  serverAt,
  serverOf,
  startGateway,
  type TestGateway,
} from '../support/gateway.ts';
import { request, Wire } from '../support/wire.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const folder = mkdtempSync(join(tmpdir(), 'portcullis-servers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A server that counts its requests, and can hold them. */
class Counter {
  requests = 0;
  holds = false;
  readonly held: ServerResponse[] = [];
  readonly server: Server;
  connections = 0;

  constructor() {
    this.server = createServer((_, response) => {
      this.requests += 1;
      if (this.holds) this.held.push(response);
      else response.end('ok');
    });
    this.server.on('connection', (socket) => {
      this.connections += 1;
      socket.on('close', () => {
        this.connections -= 1;
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async listen(path?: string): Promise<this> {
    if (path === undefined) this.server.listen(0, '127.0.0.1');
    else this.server.listen(path);
    await once(this.server, 'listening');
    return this;
  }

  release(): void {
    this.holds = false;
    for (const response of this.held.splice(0)) response.end('ok');
  }
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function counters(count: number): Promise<Counter[]> {
  const all = await Promise.all(Array.from({ length: count }, () => new Counter().listen()));
  for (const { server } of all) {
    open.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
  }
  return all;
}

async function gatewayTo(
  servers: readonly UpstreamServer[],
  limits = { connections: 256, waiting: 1024 },
): Promise<{ gateway: TestGateway; upstream: Upstream }> {
  const upstreams = new Map([
    [
      'app',
      {
        name: 'app',
        servers,
        timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
        limits,
        pipelining: 1,
        reuse: true,
        retries: retryDefaults,
      },
    ],
  ]);
  const gateway = await startGateway({ routes: [{ auth: 'none' }], upstreamPort: 1, config: { upstreams } });
  open.push(() => gateway.close());
  return { gateway, upstream: serverOf(gateway).service.upstreams.get('app') as Upstream };
}

const fact = (server: UpstreamServer, more: Partial<ServerFact> = {}): ServerFact => ({
  server: addressText(server.address),
  address: server.address,
  mode: 'ready',
  healthy: true,
  ...more,
});

async function ask(gateway: TestGateway, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    assert.equal((await request(gateway.port, GET)).status, 200);
  }
}

test('requests are spread over all servers, by their weights', async () => {
  const [one, two, three] = (await counters(3)) as [Counter, Counter, Counter];
  const { gateway } = await gatewayTo([
    serverAt(one.port),
    serverAt(two.port),
    serverAt(three.port, { weight: 8 }),
  ]);
  await ask(gateway, 200);
  assert.equal(one.requests + two.requests + three.requests, 200);
  // Each gets 20 of 200 by its weight; that one gets none is less likely than 1 in 10^9.
  assert.ok(one.requests > 0 && two.requests > 0);
  assert.ok(three.requests > one.requests && three.requests > two.requests);
});

test('the server with fewer requests under way gets the next one', async () => {
  const [slow, fast] = (await counters(2)) as [Counter, Counter];
  const { gateway } = await gatewayTo([serverAt(slow.port), serverAt(fast.port)]);
  slow.holds = true;
  const wires: Wire[] = [];
  while (slow.requests === 0) {
    const before = slow.requests + fast.requests;
    const wire = await Wire.open(gateway.port);
    wires.push(wire);
    wire.send(GET);
    await eventually(
      () => slow.requests + fast.requests,
      (count) => count > before,
    );
  }
  await ask(gateway, 20);
  assert.equal(slow.requests, 1);
  slow.release();
  for (const wire of wires) wire.close();
});

test('a backup gets requests while no other server is usable, and only then', async () => {
  const [main, spare] = (await counters(2)) as [Counter, Counter];
  const servers = [serverAt(main.port), serverAt(spare.port, { backup: true })] as const;
  const { gateway, upstream } = await gatewayTo(servers);
  await ask(gateway, 10);
  assert.deepEqual([main.requests, spare.requests], [10, 0]);
  upstream.take([fact(servers[0], { healthy: false }), fact(servers[1])]);
  await ask(gateway, 10);
  assert.deepEqual([main.requests, spare.requests], [10, 10]);
  upstream.take([fact(servers[0]), fact(servers[1])]);
  await ask(gateway, 10);
  assert.deepEqual([main.requests, spare.requests], [20, 10]);
});

test('with no usable server a request is refused at once, and so are requests that wait', async () => {
  const [only] = (await counters(1)) as [Counter];
  const server = serverAt(only.port);
  const { gateway, upstream } = await gatewayTo([server], { connections: 1, waiting: 10 });
  only.holds = true;
  const busy = await Wire.open(gateway.port);
  busy.send(GET);
  await eventually(
    () => only.requests,
    (count) => count === 1,
  );
  const waiting = request(gateway.port, GET);
  await eventually(
    () => gateway.connections(),
    (counts) => counts['waiting'] === 1,
  );
  upstream.take([fact(server, { healthy: false })]);
  const refused = await waiting;
  assert.equal(refused.status, 503);
  assert.match(refused.body, /no_healthy_upstream/);
  assert.equal((await request(gateway.port, GET)).status, 503);
  // The request that the server has already goes on.
  only.release();
  assert.equal((await busy.response()).status, 200);
  busy.close();
});

test('a server that is drained finishes its requests, and keeps no idle connection', async () => {
  const [one, two] = (await counters(2)) as [Counter, Counter];
  const servers = [serverAt(one.port), serverAt(two.port)] as const;
  const { gateway, upstream } = await gatewayTo(servers);
  while (one.requests === 0) await ask(gateway, 1);
  assert.equal(one.connections, 1);
  upstream.take([fact(servers[0], { mode: 'drain' }), fact(servers[1])]);
  await eventually(
    () => one.connections,
    (count) => count === 0,
  );
  const before = one.requests;
  await ask(gateway, 20);
  assert.equal(one.requests, before);
});

test('addresses come and go: one that leaves finishes its request, one that stays keeps its connection', async () => {
  const [one, two, three] = (await counters(3)) as [Counter, Counter, Counter];
  const name = serverAt(80, { address: { host: 'app.invalid', port: 80 } });
  const at = (counter: Counter): ServerFact =>
    fact(name, { address: { host: '127.0.0.1', port: counter.port } });
  const { gateway, upstream } = await gatewayTo([name]);
  upstream.take([at(one), at(two)]);
  while (one.requests === 0 || two.requests === 0) await ask(gateway, 1);
  one.holds = true;
  const wires: Wire[] = [];
  while (one.held.length === 0) {
    const before = one.requests + two.requests;
    const wire = await Wire.open(gateway.port);
    wires.push(wire);
    wire.send(GET);
    await eventually(
      () => one.requests + two.requests,
      (count) => count > before,
    );
  }
  upstream.take([at(two), at(three)]);
  const before = one.requests;
  while (three.requests === 0) await ask(gateway, 1);
  assert.equal(one.requests, before);
  assert.equal(two.connections, 1);
  one.release();
  const last = wires.at(-1) as Wire;
  assert.equal((await last.response()).status, 200);
  await eventually(
    () => one.connections,
    (count) => count === 0,
  );
  for (const wire of wires) wire.close();
});

test('a server has no more connections than its own limit, and the others take the rest', async () => {
  const [small, large] = (await counters(2)) as [Counter, Counter];
  const { gateway } = await gatewayTo([
    serverAt(small.port, { connections: 1, weight: 256 }),
    serverAt(large.port),
  ]);
  small.holds = true;
  large.holds = true;
  const answers = Array.from({ length: 5 }, () => request(gateway.port, GET));
  await eventually(
    () => small.requests + large.requests,
    (count) => count === 5,
  );
  assert.deepEqual([small.requests, large.requests], [1, 4]);
  small.release();
  large.release();
  for (const answer of answers) assert.equal((await answer).status, 200);
});

test('the limit of the upstream holds for all servers together; idle connections make room', async () => {
  const [one, two] = (await counters(2)) as [Counter, Counter];
  const { gateway } = await gatewayTo([serverAt(one.port), serverAt(two.port)], {
    connections: 1,
    waiting: 10,
  });
  while (one.requests === 0 || two.requests === 0) await ask(gateway, 1);
  const answers = Array.from({ length: 10 }, () => request(gateway.port, GET));
  for (const answer of answers) assert.equal((await answer).status, 200);
  const { idle = 0, busy = 0, connecting = 0 } = await gateway.connections();
  assert.equal(idle + busy + connecting, 1);
});

test('a server can be a unix socket', async () => {
  const counter = await new Counter().listen(join(folder, 'app.sock'));
  open.push(async () => {
    counter.server.closeAllConnections();
    counter.server.close();
    await once(counter.server, 'close');
  });
  const { gateway } = await gatewayTo([serverAt(1, { address: { path: join(folder, 'app.sock') } })]);
  await ask(gateway, 3);
  assert.equal(counter.requests, 3);
  assert.equal(counter.connections, 1);
});
