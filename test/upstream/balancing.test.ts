import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import type { UpstreamConfig } from '../../src/config/upstream-config.ts';
import { type Network, parseNetwork } from '../../src/http/networks.ts';
import { eventually, retryDefaults, serverAt, startGateway, type TestGateway } from '../support/gateway.ts';
import { request } from '../support/wire.ts';

/** How many servers there are, and requests for each part of a test. */
const SERVERS = 3;
const REQUESTS = 12;

let servers: Server[];
/** The index of the server that each request reached. */
let reached: number[];
let holds: boolean;
let held: ServerResponse[];
const gateways: TestGateway[] = [];

beforeEach(async () => {
  reached = [];
  held = [];
  holds = false;
  servers = Array.from({ length: SERVERS }, (_, index) =>
    createServer((_request, response) => {
      reached.push(index);
      if (holds) held.push(response);
      else response.end('ok');
    }),
  );
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function start(
  balance: UpstreamConfig['balance'],
  route: { readonly auth?: 'none' } = { auth: 'none' },
  config: Partial<Pick<Config, 'trustedProxies'>> = {},
): Promise<TestGateway> {
  const upstream: UpstreamConfig = {
    name: 'app',
    servers: servers.map((server) => serverAt((server.address() as AddressInfo).port)),
    ...(balance === undefined ? {} : { balance }),
    timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
    limits: { connections: 256, waiting: 1024 },
    pipelining: 1,
    reuse: true,
    retries: retryDefaults,
  };
  const gateway = await startGateway({
    routes: [route],
    upstreamPort: 1,
    config: { ...config, upstreams: new Map([['app', upstream]]) },
  });
  gateways.push(gateway);
  return gateway;
}

/** The servers that so many requests with these lines reach, one after another. */
async function ask(gateway: TestGateway, lines: readonly string[], times = REQUESTS): Promise<number[]> {
  reached = [];
  const text = `${['GET /x HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`;
  for (let count = 0; count < times; count += 1) {
    assert.equal((await request(gateway.port, text)).status, 200);
  }
  return reached;
}

/** Each of 60 values reaches one server, all servers have some, and another gateway chooses the same. */
async function staysTogether(
  one: TestGateway,
  other: TestGateway,
  linesOf: (value: number) => readonly string[],
): Promise<void> {
  const all = new Set<number>();
  for (let value = 0; value < 60; value += 1) {
    const found = await ask(one, linesOf(value), 2);
    all.add(found[0] as number);
    const again = await ask(other, linesOf(value), 1);
    assert.equal(new Set([...found, ...again]).size, 1, `value ${value}: ${found}, ${again}`);
  }
  // That one of three has none of 60 is less likely than 1 in 10^9.
  assert.equal(all.size, SERVERS);
}

test('round-robin gives each server its turn', async () => {
  const order = await ask(await start('round-robin'), []);
  assert.equal(order.length, REQUESTS);
  for (let at = 0; at < REQUESTS; at += SERVERS) {
    assert.deepEqual(order.slice(at, at + SERVERS), order.slice(0, SERVERS));
  }
  assert.equal(new Set(order.slice(0, SERVERS)).size, SERVERS);
});

test('requests with one value of a header reach one server, through every gateway', async () => {
  const hash = { kind: 'header', name: 'x-shard' } as const;
  await staysTogether(await start({ hash }), await start({ hash }), (value) => [`X-Shard: s${value}`]);
});

test('several fields of one name are one value, whose order counts', async () => {
  const gateway = await start({ hash: { kind: 'header', name: 'x-shard' } });
  const ways = new Set<string>();
  for (let value = 0; value < 20; value += 1) {
    const lines = [`X-Shard: a${value}`, 'X-Shard: b'];
    const [forth] = await ask(gateway, lines, 1);
    assert.deepEqual(new Set(await ask(gateway, lines, 2)), new Set([forth]));
    const [back] = await ask(gateway, [...lines].reverse(), 1);
    ways.add(forth === back ? 'same' : 'other');
  }
  assert.deepEqual(ways, new Set(['same', 'other']));
});

test('requests without the header, or with an empty one, are spread', async () => {
  const gateway = await start({ hash: { kind: 'header', name: 'x-shard' } });
  // That 60 requests leave out one of three servers is less likely than 1 in 10^9.
  for (const lines of [[], ['X-Shard:'], ['X-Shard-2: a']]) {
    assert.equal(new Set(await ask(gateway, lines, 60)).size, SERVERS);
  }
});

test('requests with one value of a claim reach one server, whatever token has it', async () => {
  const hash = { kind: 'claim', claim: 'user.id' } as const;
  const [one, other] = [await start({ hash }, {}), await start({ hash }, {})];
  let token = 0;
  await staysTogether(one, other, (value) => {
    token += 1;
    return [`Authorization: ${one.bearer({ user: { id: value }, jti: `t${token}` })}`];
  });
  // A number and its text are one value.
  const number = await ask(one, [`Authorization: ${one.bearer({ user: { id: 7 } })}`], 1);
  assert.deepEqual(await ask(one, [`Authorization: ${one.bearer({ user: { id: '7' } })}`], 1), number);
  // The same token again, from the cache, and tokens without the claim.
  const known = `Authorization: ${one.bearer({ user: { id: 'known' } })}`;
  assert.equal(new Set(await ask(one, [known])).size, 1);
  const without = `Authorization: ${one.bearer({ user: {} })}`;
  assert.equal(new Set(await ask(one, [without], 60)).size, SERVERS);
});

test('requests of one client reach one server; a proxy that is trusted names the client', async () => {
  const hash = { kind: 'client' } as const;
  const direct = await start({ hash });
  assert.equal(new Set(await ask(direct, [])).size, 1);
  // Nobody may choose a server by a field that no trusted proxy has written.
  const [mine] = await ask(direct, [], 1);
  for (let value = 0; value < 20; value += 1) {
    assert.deepEqual(await ask(direct, [`X-Forwarded-For: 10.0.0.${value}`], 1), [mine]);
  }
  const trustedProxies = [parseNetwork('127.0.0.1') as Network];
  const behind = (): Promise<TestGateway> => start({ hash }, { auth: 'none' }, { trustedProxies });
  await staysTogether(await behind(), await behind(), (value) => [`X-Forwarded-For: 10.0.0.${value}`]);
});

test('a key that has all requests loads no server with more than 1.25 times its share', async () => {
  const gateway = await start({ hash: { kind: 'header', name: 'x-shard' } });
  const [usual] = await ask(gateway, ['X-Shard: hot'], 1);
  holds = true;
  reached = [];
  const responses = [];
  for (let count = 1; count <= 30; count += 1) {
    responses.push(request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a\r\nX-Shard: hot\r\n\r\n'));
    await eventually(
      () => held.length,
      (length) => length === count,
    );
    const counts = Array.from(
      { length: SERVERS },
      (_, index) => reached.filter((one) => one === index).length,
    );
    assert.ok(Math.max(...counts) <= Math.ceil((1.25 * count) / SERVERS), `${counts}`);
  }
  // As long as it may, the server of the key takes them.
  assert.equal(reached.filter((index) => index === usual).length, Math.ceil((1.25 * 30) / SERVERS));
  holds = false;
  for (const response of held) response.end('ok');
  for (const response of responses) assert.equal((await response).status, 200);
  assert.deepEqual(new Set(await ask(gateway, ['X-Shard: hot'])), new Set([usual]));
});
