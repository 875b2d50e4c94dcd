// Source: rustfs/rustfs#4360 (Keep-Alive: timeout=2, then a POST after 1.9 s), and single-threaded servers that stall on idle connections.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

interface Stand {
  readonly origin: Origin;
  readonly gateway: TestGateway;
  readonly wire: Wire;
}

async function withStand(options: Partial<TestOptions>, use: (stand: Stand) => Promise<void>): Promise<void> {
  const origin = await Origin.start();
  const gateway = await startGateway({ upstreamPort: origin.port, routes: [{ auth: 'none' }], ...options });
  const wire = await Wire.open(gateway.port);
  try {
    await use({ origin, gateway, wire });
  } finally {
    wire.close();
    await gateway.close();
    await origin.close();
  }
}

const post = 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi';
const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok = (...lines: string[]): string =>
  `${['HTTP/1.1 200 OK', ...lines, 'Content-Length: 2'].join('\r\n')}\r\n\r\nok`;

/** One exchange on an open upstream connection. */
async function exchange(
  wire: Wire,
  upstream: OriginConnection,
  request: string,
  response: string,
): Promise<string> {
  wire.send(request);
  const head = await upstream.take((text) => text.endsWith(request === post ? '\r\n\r\nhi' : '\r\n\r\n'));
  upstream.write(response);
  assert.equal((await wire.response()).body, 'ok');
  return head;
}

async function first(stand: Stand, request: string, response: string): Promise<OriginConnection> {
  const connection = stand.origin.connection();
  stand.wire.send(request);
  const upstream = await connection;
  await upstream.take((text) => text.endsWith(request === post ? '\r\n\r\nhi' : '\r\n\r\n'));
  upstream.write(response);
  assert.equal((await stand.wire.response()).body, 'ok');
  return upstream;
}

/** Milliseconds of a two-second announcement minus the margin, plus some for a busy machine. */
const SOON_MS = 1900;

describe('a server that announces how long it keeps the connection', () => {
  for (const line of ['Keep-Alive: timeout=1', 'Keep-Alive: timeout=0', 'keep-alive: timeout=15, max=0']) {
    test(`${line}: it is closed after the response`, () =>
      withStand({}, async (stand) => {
        const upstream = await first(stand, post, ok(line));
        await upstream.closed();
        await first(stand, post, ok());
        assert.equal(stand.origin.accepted, 2);
      }));
  }

  test('timeout=2: it is closed a second before the server would, and a later POST has another', () =>
    withStand({}, async (stand) => {
      const upstream = await first(stand, post, ok('Keep-Alive: timeout=2'));
      const since = performance.now();
      await upstream.closed();
      assert.ok(performance.now() - since < SOON_MS, 'the server has not closed yet');
      await first(stand, post, ok());
      assert.equal(stand.origin.accepted, 2);
    }));

  for (const line of [
    'Keep-Alive: timeout=60',
    'Keep-Alive: timeout=60, max=9',
    'Keep-Alive: x',
    'A: timeout=0',
  ]) {
    test(`${line}: it is reused`, () =>
      withStand({}, async (stand) => {
        const upstream = await first(stand, post, ok(line));
        await exchange(stand.wire, upstream, post, ok(line));
        await exchange(stand.wire, upstream, get, ok());
        assert.equal(stand.origin.accepted, 1);
      }));
  }

  test('max=1 lets one request follow, and pipelining none after it', () =>
    withStand({ pipelining: 4 }, async (stand) => {
      const upstream = await first(stand, get, ok('Keep-Alive: max=1'));
      const [one, two] = [await Wire.open(stand.gateway.port), await Wire.open(stand.gateway.port)];
      one.send(get);
      await upstream.head();
      two.send(get);
      const other = await stand.origin.connection();
      await other.head();
      upstream.write(ok('Keep-Alive: max=0'));
      other.write(ok());
      assert.deepEqual([(await one.response()).body, (await two.response()).body], ['ok', 'ok']);
      await upstream.closed();
      one.close();
      two.close();
    }));
});

describe('timeouts.keepAlive', () => {
  test('closes an unused connection, and not one whose response pauses', () =>
    withStand({ timeouts: { keepAliveMs: 200, idleMs: 60_000 } }, async (stand) => {
      const upstream = await first(stand, get, ok());
      await upstream.closed();
      const connection = stand.origin.connection();
      stand.wire.send(get);
      const slow = await connection;
      await slow.head();
      slow.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok');
      const other = await Wire.open(stand.gateway.port);
      // Several times as long as an unused one is kept.
      for (let round = 0; round < 3; round += 1) {
        other.send(get);
        const next = await stand.origin.connection();
        await next.head();
        next.write(ok());
        assert.equal((await other.response()).body, 'ok');
        await next.closed();
      }
      slow.write('ok');
      assert.equal((await stand.wire.response()).body, 'okok');
      other.close();
    }));

  test('a longer announcement of the server does not lengthen it', () =>
    withStand({ timeouts: { keepAliveMs: 200 } }, async (stand) => {
      const upstream = await first(stand, get, ok('Keep-Alive: timeout=60'));
      await upstream.closed();
    }));
});

describe('reuse: false', () => {
  test('gives each request its own connection, announces the close to upstream, and closes it', () =>
    withStand({ reuse: false }, async (stand) => {
      for (let round = 0; round < 3; round += 1) {
        const connection = stand.origin.connection();
        stand.wire.send(round === 1 ? post : get);
        const upstream = await connection;
        const head = await upstream.head();
        assert.equal(head.match(/\r\nconnection: close\r\n/g)?.length, 1);
        upstream.write(ok('Connection: keep-alive'));
        assert.equal((await stand.wire.response()).body, 'ok');
        await upstream.closed();
      }
      await eventually(
        () => stand.gateway.connections(),
        (seen) => Object.keys(seen).length === 0,
      );
    }));

  test('without it the header is not sent', () =>
    withStand({}, async (stand) => {
      const connection = stand.origin.connection();
      stand.wire.send(get);
      const upstream = await connection;
      assert.doesNotMatch(await upstream.head(), /\r\nconnection:/i);
      upstream.write(ok());
      assert.equal((await stand.wire.response()).body, 'ok');
    }));
});
