import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

let origin: Origin;
let gateway: TestGateway;
let wires: Wire[];

beforeEach(async () => {
  wires = [];
  origin = await Origin.start();
});

afterEach(async () => {
  for (const wire of wires) wire.reset();
  await gateway.close();
  await origin.close();
});

const start = async (connections: number, responseMs = 60_000): Promise<void> => {
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    limits: { connections, waiting: 10 },
    timeouts: { responseMs },
  });
};
const bytes = (method: string, path = '/x'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function open(): Promise<Wire> {
  const wire = await Wire.open(gateway.port);
  wires.push(wire);
  return wire;
}

/** Connection number `count` of this test; fails when upstream gets fewer. */
async function connection(count: number): Promise<OriginConnection> {
  await eventually(
    () => origin.accepted,
    (seen) => seen === count,
  );
  return origin.connection();
}

/** A client, and the connection that has carried an exchange of it and is idle now. */
async function idle(): Promise<[Wire, OriginConnection]> {
  const wire = await open();
  wire.send(bytes('GET'));
  const upstream = await origin.connection();
  await upstream.head();
  upstream.write(ok);
  assert.equal((await wire.response()).status, 200);
  return [wire, upstream];
}

/**
 * The gateway writes a request at the end of the turn in which it came. The kernel hands both to that turn, in this
 * order, because client and upstream are in this process and the event loop does not run between the two.
 */
describe('a request that is not written yet when its connection ends', () => {
  for (const [how, end] of [
    ['a reset', (upstream: OriginConnection) => upstream.socket.resetAndDestroy()],
    [
      'bytes that answer nothing',
      (upstream: OriginConnection) => upstream.write(ok.replace('\r\n', '\r\nX-Poison: 1\r\n')),
    ],
  ] as const) {
    test(`by ${how} is sent on a fresh one, with any method`, async () => {
      await start(1);
      const [wire, upstream] = await idle();
      wire.send(bytes('POST'));
      end(upstream);
      const second = await connection(2);
      assert.match(await second.head(), /^POST \/x /);
      assert.equal(upstream.received, '');
      second.write(ok);
      const response = await wire.response();
      assert.deepEqual([response.status, response.headers.has('x-poison')], [200, false]);
      assert.deepEqual(await gateway.outcomes(), { forwarded: 2 });
    });
  }
});

test('a request is sent twice at most, even when it had to wait and got a used connection again', async () => {
  await start(1);
  const [first, upstream] = await idle();
  first.send(bytes('GET', '/1'));
  await upstream.head();
  const second = await open();
  second.send(bytes('GET', '/2'));
  await eventually(
    () => gateway.connections(),
    (seen) => seen['waiting'] === 1,
  );
  // Its place goes to the waiting request.
  upstream.socket.resetAndDestroy();
  const next = await connection(2);
  assert.match(await next.head(), /^GET \/2 /);
  next.write(ok);
  assert.equal((await second.response()).status, 200);
  assert.match(await next.head(), /^GET \/1 /);
  next.socket.resetAndDestroy();
  const response = await first.response();
  assert.deepEqual([response.status, JSON.parse(response.body).code], [502, 'upstream_reset']);
  assert.equal(origin.accepted, 2);
});

test('a retried request gets a fresh connection: an idle one may be as dead as the first', async () => {
  await start(3);
  const [first, one] = await idle();
  first.send(bytes('GET', '/1'));
  await one.head();
  const [, two] = await idle();
  one.write(ok);
  assert.equal((await first.response()).status, 200);
  first.send(bytes('GET', '/2'));
  assert.match(await one.head(), /^GET \/2 /);
  one.socket.resetAndDestroy();
  const three = await connection(3);
  assert.match(await three.head(), /^GET \/2 /);
  assert.equal(two.received, '');
  three.write(ok);
  assert.equal((await first.response()).status, 200);
});

test('a request whose response times out is not retried', async () => {
  await start(1, 300);
  const [wire, upstream] = await idle();
  wire.send(bytes('GET'));
  await upstream.head();
  const response = await wire.response();
  assert.deepEqual([response.status, JSON.parse(response.body).code], [504, 'upstream_timeout']);
  assert.equal(origin.accepted, 1);
});
