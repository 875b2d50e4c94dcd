import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
let several: TestGateway;
let single: TestGateway;

const match = (path: string) => ({ match: { host: undefined, path, methods: undefined }, name: path });

before(async () => {
  origin = await Origin.start();
  origin.serve((text) => {
    const line = text.slice(0, text.indexOf('\r\n'));
    return `HTTP/1.1 200 OK\r\nContent-Length: ${line.length}\r\n\r\n${line}`;
  });
  several = await startGateway({
    upstreamPort: origin.port,
    routes: [{ ...match('/public'), auth: 'none' }, match('/private')],
  });
  single = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }] });
});

after(async () => {
  await several.close();
  await single.close();
  await origin.close();
});

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;

for (const path of [
  '/public/../private',
  '/public/%2e%2e/private',
  '//public//x',
  '/public;x',
  '/public%2f..%2fprivate',
]) {
  test(`${path} is refused among several routes and carried by a single one`, async () => {
    const refused = await request(several.port, get(path));
    assert.equal(refused.status, 400);
    assert.equal(JSON.parse(refused.body).code, 'request_malformed');
    assert.equal(refused.closed, true);
    const carried = await request(single.port, get(path));
    assert.equal(carried.body, `GET ${path} HTTP/1.1`);
  });
}

test('the query is no part of a path', async () => {
  const response = await request(several.port, get('/public?x=/../private;//'));
  assert.equal(response.body, 'GET /public?x=/../private;// HTTP/1.1');
});

test('a private route stays private beside a public one', async () => {
  for (const path of ['/private', '/private/', '/private/x?y']) {
    assert.equal((await request(several.port, get(path))).status, 401);
  }
});

test('a wildcard guards every name below it, in any spelling, and nothing else', async () => {
  const hosts = await startGateway({
    upstreamPort: origin.port,
    routes: [
      { name: 'any', auth: 'none' },
      { name: 'guarded', match: { host: '*.example.com', path: '/', methods: undefined } },
      { name: 'open', match: { host: 'www.example.com', path: '/open', methods: undefined }, auth: 'none' },
    ],
  });
  try {
    const ask = async (host: string, path = '/x'): Promise<number> =>
      (await request(hosts.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status;
    for (const host of [
      'a.example.com',
      'A.Example.COM',
      'a.example.com:8080',
      'a.example.com.',
      'a.example.com.:80',
      'a.b.c.example.com',
      'xn--a.example.com',
      '127.0.0.1.example.com',
      'www.example.com',
    ]) {
      assert.equal(await ask(host), 401, host);
    }
    for (const host of ['a..example.com', '.example.com', 'a.example.com..', 'a.example.com..:80', '.']) {
      assert.equal(await ask(host), 400, host);
    }
    for (const host of [
      'example.com',
      'aexample.com',
      'a.example.com.x',
      '127.0.0.1',
      '[::1]',
      'localhost',
    ]) {
      assert.equal(await ask(host), 200, host);
    }
    assert.equal(await ask('www.example.com', '/open'), 200);
    assert.equal(await ask('www.example.com', '/OPEN'), 400);
    assert.equal(await ask('www.example.com', '/open/../x'), 400);
    assert.equal(await ask('api.example.com', '/open'), 401);
  } finally {
    await hosts.close();
  }
});

test('a request that no route takes is 404, and counts as no route', async () => {
  for (const path of ['/', '/publicx', '/PUBLIC']) {
    const response = await request(several.port, get(path));
    assert.equal(response.status, 404);
    assert.equal(JSON.parse(response.body).code, 'route_not_found');
    assert.equal(response.closed, false);
  }
  assert.equal((await several.outcomes())['route_not_found'], 3);
});
