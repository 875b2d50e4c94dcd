import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configFromObject } from '../../src/config/load.ts';
import type { ConfigObject } from '../../src/config/schema/schema.ts';
import { createGateway, type LocalGateway } from '../../src/gateway/local-gateway.ts';
import { StartError } from '../../src/lib/start-error.ts';
import { hang, jwk, keySet, keySetText, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { eventually, silentLog, sums } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { rs256, rsaKey, secondsFromNow, type TestKey } from '../support/tokens.ts';
import { request, Wire } from '../support/wire.ts';

const first = rsaKey();
const second = rsaKey();
const token = (key: TestKey, kid?: string): string =>
  rs256(key, { iss: 'x', aud: 'y', sub: 'u', exp: secondsFromNow(600) }, { alg: 'RS256', kid });

let one: Origin;
let two: Origin;
let issuer: ScriptedIssuer;
let gateway: LocalGateway;

const okResponse = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

before(async () => {
  [one, two] = [await Origin.start(), await Origin.start()];
  two.serve(() => okResponse('two'));
  issuer = await ScriptedIssuer.start();
});
after(async () => {
  await one.close();
  await two.close();
  await issuer.close();
});

function config(changes: Partial<ConfigObject> = {}, pem = first.pem): Config {
  const object: ConfigObject = {
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    verifiers: 0,
    issuers: { main: { issuer: 'x', audience: 'y', algorithms: ['RS256'], keys: { pem } } },
    upstream: `http://127.0.0.1:${two.port}`,
    ...changes,
  };
  const result = configFromObject(object, '.', {});
  assert.ok(result.ok, JSON.stringify(result));
  return result.config;
}

const open = (upstream: string): Partial<ConfigObject> => ({ upstream, auth: 'none' });
const toOne = (): Partial<ConfigObject> => open(`http://127.0.0.1:${one.port}`);
const toTwo = (): Partial<ConfigObject> => open(`http://127.0.0.1:${two.port}`);

async function start(initial: Config): Promise<void> {
  gateway = createGateway(initial, { log: silentLog });
  await gateway.start();
}
const port = (at = 0): number => Number(gateway.addresses.listen[at]?.split(':')[1]);
const get = (path = '/x', ...lines: string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.example', ...lines].join('\r\n')}\r\n\r\n`;
const METRICS = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const status = async (bearer: string): Promise<number> =>
  (await request(port(), get('/x', `Authorization: Bearer ${bearer}`))).status;

describe('another configuration', () => {
  afterEach(async () => {
    await gateway.close({ graceMs: 0 });
  });

  test('routes, keys and upstreams are in force with the next request, on the same connection', async () => {
    await start(config());
    const wire = await Wire.open(port());
    wire.send(get('/x', `Authorization: Bearer ${token(first)}`));
    assert.equal((await wire.response()).body, 'two');
    await gateway.reload(config({}, second.pem));
    wire.send(get('/x', `Authorization: Bearer ${token(first)}`));
    assert.equal((await wire.response()).status, 401);
    wire.send(get('/x', `Authorization: Bearer ${token(second)}`));
    assert.equal((await wire.response()).body, 'two');
    await gateway.reload(
      config({
        upstream: undefined,
        routes: [{ match: { path: '/only' }, auth: 'none', upstream: `http://127.0.0.1:${two.port}` }],
      } as Partial<ConfigObject>),
    );
    wire.send(get('/x'));
    assert.equal((await wire.response()).status, 404);
    wire.send(get('/only'));
    assert.equal((await wire.response()).status, 200);
    wire.close();
  });

  test('a current request ends as it began, with its upstream, and then its connection goes', async () => {
    await start(config(toOne()));
    const wire = await Wire.open(port());
    wire.send(get());
    const upstream = await one.connection();
    await upstream.head();
    await gateway.reload(config(toTwo()));
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nol');
    upstream.write('d on');
    assert.equal((await wire.response()).body, 'old on');
    await upstream.closed();
    upstream.socket.destroy();
    wire.send(get());
    assert.equal((await wire.response()).body, 'two');
    wire.close();
  });

  for (const [how, close] of [
    ['one that is free again', ''],
    ['a new one', 'Connection: close\r\n'],
  ] as const)
    test(`a waiting request still gets ${how}`, async () => {
      const upstreams = {
        app: { servers: [`http://127.0.0.1:${one.port}`], limits: { connections: 1, waiting: 9 } },
      };
      await start(config({ upstream: 'app', auth: 'none', upstreams }));
      const wires = [await Wire.open(port()), await Wire.open(port())] as const;
      wires[0].send(get('/1'));
      const upstream = await one.connection();
      await upstream.head();
      wires[1].send(get('/2'));
      await eventually(waiting, (count) => count === 1);
      await gateway.reload(config(toTwo()));
      upstream.write(`HTTP/1.1 200 OK\r\n${close}Content-Length: 1\r\n\r\n1`);
      assert.equal((await wires[0].response()).body, '1');
      const later = close === '' ? upstream : await one.connection();
      assert.match(await later.head(), /^GET \/2 /);
      later.write(okResponse('2'));
      assert.equal((await wires[1].response()).body, '2');
      await later.closed();
      upstream.socket.destroy();
      later.socket.destroy();
      for (const wire of wires) wire.close();
    });

  test('fewer connections may be open: those beyond stay, and no further one is accepted', async () => {
    await start(config(toTwo()));
    const wires = [await Wire.open(port()), await Wire.open(port())] as const;
    for (const wire of wires) {
      wire.send(get());
      await wire.response();
    }
    await gateway.reload(config({ ...toTwo(), limits: { connections: 2 } }));
    await assert.rejects(request(port(), get()));
    for (const wire of wires) {
      wire.send(get());
      assert.equal((await wire.response()).status, 200);
      wire.close();
    }
  });

  test('addresses come and go, and open connections stay', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: extra } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    await start(config(toTwo()));
    const wire = await Wire.open(port());
    await gateway.reload(config({ ...toTwo(), listen: ['127.0.0.1:0', `127.0.0.1:${extra}`] }));
    assert.equal(port(1), extra);
    assert.equal((await request(extra, get())).body, 'two');
    const kept = port(0);
    await gateway.reload(config({ ...toTwo(), listen: `127.0.0.1:${extra}` }));
    assert.deepEqual(gateway.addresses.listen, [`127.0.0.1:${extra}`]);
    await assert.rejects(request(kept, get()), /ECONNREFUSED/);
    wire.send(get());
    assert.equal((await wire.response()).body, 'two');
    wire.close();
  });

  test('an address that is taken leaves everything unchanged', async () => {
    await start(config(toTwo()));
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port: taken } = blocker.address() as { port: number };
    const listen = ['127.0.0.1:0', `127.0.0.1:${taken}`];
    await assert.rejects(gateway.reload(config({ ...toOne(), listen })), StartError);
    assert.equal((await request(port(), get())).body, 'two');
    assert.equal(gateway.addresses.listen.length, 1);
    blocker.close();
    await gateway.reload(config({ ...toTwo(), listen }));
    assert.equal((await request(taken, get())).body, 'two');
  });

  test('keys that cannot change are named, and the rest is not applied either', async () => {
    await start(config(toTwo()));
    const other = config({
      ...toOne(),
      limits: { requestHead: '8KiB' },
      state: '/nowhere',
      log: { level: 'debug' },
    });
    await assert.rejects(gateway.reload(other), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /^limits\.requestHead, log\.level, state cannot change/);
      return true;
    });
    assert.equal((await request(port(), get())).body, 'two');
  });

  test('counters of routes and upstreams go on', async () => {
    await start(config(toTwo()));
    await request(port(), get());
    await gateway.reload(config(toTwo()));
    await request(port(), get());
    const admin = Number(gateway.addresses.admin.split(':')[1]);
    const text = (await request(admin, METRICS)).body;
    assert.deepEqual(sums(text, 'portcullis_requests_total', 'outcome'), { forwarded: 2 });
  });

  test('ends with the gateway: a current reload rejects, and none begins', async () => {
    await start(config(toTwo()));
    const reload = gateway.reload(config(toTwo()));
    const closed = gateway.close({ graceMs: 0 });
    await assert.rejects(reload, /shutting down|does not run/);
    await closed;
    await assert.rejects(gateway.reload(config(toTwo())), /does not run/);
  });
});

describe('fetched keys', () => {
  const remote = (url: string): Partial<ConfigObject> => ({
    issuers: { main: { issuer: 'x', audience: 'y', algorithms: ['RS256'], keys: { jwks: url } } },
  });

  beforeEach(async () => {
    issuer.keys = keySet(jwk(first, { kid: 'a' }));
    issuer.responses.set('/other', keySet(jwk(second, { kid: 'b' })));
    await start(config(remote(issuer.url())));
    await eventually(
      () => status(token(first, 'a')),
      (code) => code === 200,
    );
  });
  afterEach(async () => {
    await gateway.close({ graceMs: 0 });
  });

  test('stay in force during another fetch', async () => {
    issuer.keys = hang;
    await gateway.reload(config({ ...remote(issuer.url()), realm: 'other' }));
    assert.equal(await status(token(first, 'a')), 200);
  });

  test('of a new address are present before it is in force', async () => {
    let release = (): void => {};
    issuer.responses.set('/other', (response) => {
      release = () => response.end(keySetText(jwk(second, { kid: 'b' })));
    });
    const asked = issuer.asked.length;
    const reload = gateway.reload(config(remote(issuer.url('/other'))));
    await issuer.askedTimes(asked + 1);
    assert.equal(await status(token(first, 'a')), 200);
    release();
    await reload;
    assert.equal(await status(token(second, 'b')), 200);
    issuer.responses.set('/other', keySet(jwk(first, { kid: 'c' })));
    assert.equal(await status(token(first, 'c')), 200);
    assert.equal(await status(token(first, 'a')), 401);
  });

  test('of a reload that fails belong to no issuer', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port: taken } = blocker.address() as { port: number };
    const listen = ['127.0.0.1:0', `127.0.0.1:${taken}`];
    await assert.rejects(gateway.reload(config({ ...remote(issuer.url('/other')), listen })), StartError);
    assert.equal(await status(token(first, 'a')), 200);
    assert.equal(await status(token(second, 'b')), 401);
    blocker.close();
  });

  test('go on changing after a reload', async () => {
    await gateway.reload(config({ ...remote(issuer.url()), realm: 'other' }));
    issuer.keys = keySet(jwk(second, { kid: 'b' }));
    assert.equal(await status(token(second, 'b')), 200);
    assert.equal(await status(token(first, 'a')), 401);
  });

  test('of a removed issuer are forgotten, and are not fetched any more', async () => {
    await gateway.reload(config({}, second.pem));
    assert.equal(await status(token(first, 'a')), 401);
    assert.equal(await status(token(second)), 200);
    const asked = issuer.asked.length;
    assert.equal(await status(token(rsaKey(), 'zzz')), 401);
    assert.equal(issuer.asked.length, asked);
  });
});

test('ten reloads under the load of 64 connections fail no request', async () => {
  await start(config({}, first.pem));
  let stop = false;
  let done = 0;
  const good = token(first);
  const client = async (): Promise<void> => {
    const wire = await Wire.open(port());
    while (!stop) {
      wire.send(get('/x', `Authorization: Bearer ${good}`));
      const response = await wire.response();
      assert.deepEqual([response.status, response.body], [200, 'two']);
      done += 1;
    }
    wire.close();
  };
  const clients = Promise.all(Array.from({ length: 64 }, client));
  const { pem } = first;
  for (let round = 0; round < 10; round += 1) {
    const before = done;
    await eventually(
      () => done,
      (count) => count > before + 100,
    );
    await gateway.reload(config({ realm: `round ${round}`, cache: { entries: 1000 + round } }, pem));
  }
  stop = true;
  await clients;
  assert.ok(done > 1000);
  await gateway.close({ graceMs: 0 });
});

async function waiting(): Promise<number> {
  const admin = Number(gateway.addresses.admin.split(':')[1]);
  const text = (await request(admin, METRICS)).body;
  return sums(text, 'portcullis_upstream_connections', 'state')['waiting'] ?? 0;
}
