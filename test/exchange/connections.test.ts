import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
});

afterEach(async () => {
  await gateway.close();
  await origin.close();
});

const start = async (connections: number, waiting: number, connectMs = 5_000): Promise<void> => {
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    limits: { connections, waiting },
    timeouts: { connectMs },
  });
};
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const inState = (state: string, count: number): Promise<unknown> =>
  eventually(
    () => gateway.connections(),
    (seen) => (seen[state] ?? 0) === count,
  );

describe('upstream connections', () => {
  test('one carries any number of requests in sequence', async () => {
    await start(10, 10);
    origin.serve(() => ok);
    for (let at = 0; at < 50; at += 1) assert.equal((await request(gateway.port, get('/x'))).body, 'ok');
    assert.equal(origin.accepted, 1);
    assert.deepEqual(await gateway.connections(), { idle: 1 });
    assert.deepEqual(await gateway.outcomes(), { forwarded: 50 });
  });

  test('there are never more than limits.connections, and waiting requests are served in order', async () => {
    await start(2, 10);
    const wanted: Promise<string>[] = [];
    const order: string[] = [];
    const ask = (path: string): void => {
      wanted.push(
        request(gateway.port, get(path)).then((response) => {
          order.push(path);
          return response.body;
        }),
      );
    };
    ask('/1');
    const one = await origin.connection();
    ask('/2');
    const two = await origin.connection();
    assert.match(await one.head(), /^GET \/1 /);
    assert.match(await two.head(), /^GET \/2 /);
    for (const [at, path] of ['/3', '/4', '/5'].entries()) {
      ask(path);
      await inState('waiting', at + 1);
    }
    assert.deepEqual(await gateway.connections(), { busy: 2, waiting: 3 });
    two.write(ok);
    assert.match(await two.head(), /^GET \/3 /);
    two.write(ok);
    assert.match(await two.head(), /^GET \/4 /);
    one.write(ok);
    assert.match(await one.head(), /^GET \/5 /);
    one.write(ok);
    two.write(ok);
    assert.deepEqual(await Promise.all(wanted), ['ok', 'ok', 'ok', 'ok', 'ok']);
    assert.equal(origin.accepted, 2);
    assert.deepEqual(order.slice(0, 2), ['/2', '/3']);
  });

  test('a closed connection frees its place for a waiting request', async () => {
    await start(1, 10);
    const first = request(gateway.port, get('/1'));
    const one = await origin.connection();
    await one.head();
    const second = request(gateway.port, get('/2'));
    await inState('waiting', 1);
    one.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    const two = await origin.connection();
    assert.match(await two.head(), /^GET \/2 /);
    two.write(ok);
    assert.deepEqual([(await first).body, (await second).body], ['ok', 'ok']);
  });

  test('requests beyond limits.waiting are refused at once: 503 upstream_overloaded', async () => {
    await start(1, 1);
    const first = request(gateway.port, get('/1'));
    const one = await origin.connection();
    await one.head();
    const second = request(gateway.port, get('/2'));
    await inState('waiting', 1);
    const third = await request(gateway.port, get('/3'));
    assert.equal(third.status, 503);
    assert.equal(JSON.parse(third.body).code, 'upstream_overloaded');
    assert.equal(third.headers.get('retry-after'), '1');
    one.write(ok);
    await one.head();
    one.write(ok);
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.deepEqual(await gateway.outcomes(), { forwarded: 2, upstream_overloaded: 1 });
  });

  test('no request waits longer than timeouts.connect', async () => {
    await start(1, 1, 200);
    const first = request(gateway.port, get('/1'));
    const one = await origin.connection();
    await one.head();
    const second = await request(gateway.port, get('/2'));
    assert.deepEqual([second.status, JSON.parse(second.body).code], [503, 'upstream_overloaded']);
    one.write(ok);
    assert.equal((await first).status, 200);
  });

  test('a client that leaves gives up its place in the queue', async () => {
    await start(1, 10);
    const first = request(gateway.port, get('/1'));
    const one = await origin.connection();
    await one.head();
    const wire = await Wire.open(gateway.port);
    wire.send(get('/2'));
    await inState('waiting', 1);
    wire.reset();
    await inState('waiting', 0);
    one.write(ok);
    assert.equal((await first).status, 200);
    assert.deepEqual(await gateway.connections(), { idle: 1 });
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1, client_aborted: 1 });
    assert.equal(one.received, '');
  });

  test('a connection that upstream ends during idle time is forgotten', async () => {
    await start(10, 10);
    const wanted = request(gateway.port, get('/1'));
    const one = await origin.connection();
    await one.head();
    one.write(ok);
    await wanted;
    one.socket.end();
    await inState('idle', 0);
    const next = request(gateway.port, get('/2'));
    const two = await origin.connection();
    await two.head();
    two.write(ok);
    assert.equal((await next).status, 200);
  });

  test('many at once each get their own response', async () => {
    await start(20, 1000);
    origin.serve((text) => {
      const path = text.split(' ')[1] as string;
      return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
    });
    const paths = Array.from({ length: 200 }, (_, at) => `/${at}`);
    const bodies = await Promise.all(
      paths.map(async (path) => (await request(gateway.port, get(path))).body),
    );
    assert.deepEqual(bodies, paths);
    assert.ok(origin.accepted <= 20);
    assert.deepEqual(await gateway.outcomes(), { forwarded: 200 });
  });
});
