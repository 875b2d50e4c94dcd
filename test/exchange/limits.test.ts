import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { byEngine } from '../support/engine.ts';
import {
  eventually,
  silentLog,
  startGateway,
  type TestGateway,
  type TestOptions,
} from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request, Wire } from '../support/wire.ts';

const MIB = 1024 * 1024;
const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let origin: Origin;
let gateway: TestGateway;

beforeEach(async () => {
  origin = await Origin.start();
});

afterEach(async () => {
  await gateway.close();
  await origin.close();
});

const start = async (
  limits: NonNullable<TestOptions['config']>['limits'],
  options: Partial<TestOptions> = {},
): Promise<void> => {
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    config: { limits: limits ?? {} },
    ...options,
  });
};

const numberOf = async (metric: string): Promise<number> => {
  const page = await request(
    gateway.adminPort,
    'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  return Number(new RegExp(`^${metric} (\\d+)$`, 'm').exec(page.body)?.[1]);
};

describe('limits.connections', () => {
  test('one more is closed at once and counted, the others are served, and a freed place can be used', async () => {
    const lines: string[] = [];
    const log = { ...silentLog, warn: (_fields: object, message: string) => lines.push(message) };
    await start({ connections: 3 }, { log });
    origin.serve(() => ok);
    const wires = [
      await Wire.open(gateway.port),
      await Wire.open(gateway.port),
      await Wire.open(gateway.port),
    ];
    await eventually(
      () => numberOf('portcullis_connections'),
      (seen) => seen === 3,
    );
    const refused = await Wire.open(gateway.port);
    assert.equal(await refused.untilClosed(), '');
    assert.equal(await numberOf('portcullis_connections_refused_total'), 1);
    assert.deepEqual(lines, ['client connections are refused: limits.connections is reached']);
    for (const wire of wires) {
      wire.send(get);
      assert.equal((await wire.response()).status, 200);
    }
    wires.pop()?.reset();
    await eventually(
      () => numberOf('portcullis_connections'),
      (seen) => seen === 2,
    );
    assert.equal((await request(gateway.port, get)).status, 200);
    for (const wire of [...wires, refused]) wire.close();
  });

  test('two thousand above it harm no other', async () => {
    await start({ connections: 100 });
    origin.serve(() => ok);
    const kept = await Wire.open(gateway.port);
    kept.send(get);
    await kept.response();
    const flood: Wire[] = [];
    // Opened in portions, so that the listening socket's queue takes them all.
    for (let portion = 0; portion < 20; portion += 1) {
      flood.push(...(await Promise.all(Array.from({ length: 100 }, () => Wire.open(gateway.port)))));
      for (const wire of flood.slice(-100)) wire.send(get);
      kept.send(get);
      assert.equal((await kept.response()).status, 200);
    }
    await eventually(
      () => numberOf('portcullis_connections_refused_total'),
      (seen) => seen === 2000 - 99,
    );
    assert.equal(await numberOf('portcullis_connections'), 100);
    for (const wire of flood) wire.close();
    await eventually(
      () => numberOf('portcullis_connections'),
      (seen) => seen === 1,
    );
    kept.close();
  });
});

describe('limits.requestsPerConnection', () => {
  test('of 1 asks every client to leave, by each kind of response', async () => {
    await start({ requestsPerConnection: 1 });
    const responses = [
      ok,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ];
    origin.serve(() => responses.shift() ?? ok);
    for (let at = 0; at < 3; at += 1) {
      const response = await request(gateway.port, get);
      assert.equal(response.headers.get('connection'), 'close', response.raw);
    }
    const refused = await request(gateway.port, 'GET /x HTTP/1.1\r\nHost: a b\r\n\r\n');
    assert.deepEqual([refused.status, refused.headers.get('connection')], [400, 'close']);
  });

  const kind = byEngine('`limits.requestsPerConnection`', { uws: 'at random', node: 'the fourth' });
  test(`of 4 asks one in four, ${kind}, and \`none\` asks no client`, async () => {
    const asked = async (): Promise<number> => {
      origin.serve(() => ok);
      let count = 0;
      for (let at = 0; at < 400; at += 1) {
        const response = await request(gateway.port, get);
        if (response.headers.get('connection') === 'close') count += 1;
      }
      return count;
    };
    await start({ requestsPerConnection: 4 });
    if (kind === 'the fourth') {
      origin.serve(() => ok);
      const wire = await Wire.open(gateway.port);
      const seen: (string | undefined)[] = [];
      for (let at = 0; at < 4; at += 1) {
        wire.send(get);
        seen.push((await wire.response()).headers.get('connection'));
      }
      assert.deepEqual(seen, [undefined, undefined, undefined, 'close']);
      await wire.untilClosed();
      wire.close();
      return;
    }
    const some = await asked();
    // Six standard deviations of 8.7 around 100.
    assert.ok(some > 48 && some < 152, `${some} of 400`);
    await gateway.close();
    await start({});
    assert.equal(await asked(), 0);
  });
});

describe('limits.bufferedBodies', () => {
  test('is one budget for all: a body beyond it is refused with 503 upstream_overloaded, and its share is given back', async () => {
    await start({ bufferedBodies: MIB }, { limits: { connections: 1, waiting: 100 } });
    const first = await Wire.open(gateway.port);
    first.send(get);
    const upstream = await origin.connection();
    await upstream.head();
    // Bodies that wait for a connection, each below the size at which its client is paused.
    const size = 60 * 1024;
    const post = `POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`;
    const wires: Wire[] = [];
    const codes: string[] = [];
    for (let at = 0; at < 25; at += 1) {
      const wire = await Wire.open(gateway.port);
      wires.push(wire);
      void wire.response().then(({ status, body }) => {
        codes.push(status === 200 ? 'forwarded' : JSON.parse(body).code);
      });
      wire.send(post);
    }
    await eventually(
      () => codes.length,
      (count) => count >= 25 - Math.floor(MIB / size),
    );
    assert.deepEqual(new Set(codes), new Set(['upstream_overloaded']));
    const refused = codes.length;
    const whole = (text: string): boolean => text.includes('POST /x') && text.length > size;
    const respondToOne = async (): Promise<void> => {
      await upstream.take(whole);
      upstream.write(ok);
    };
    upstream.write(ok);
    assert.equal((await first.response()).status, 200);
    for (let at = refused; at < 25; at += 1) await respondToOne();
    await eventually(
      () => codes.length,
      (count) => count === 25,
    );
    assert.equal(codes.filter((code) => code === 'forwarded').length, 25 - refused);
    // All of it is free again: as many as ever fit wait at the same time.
    const again = Array.from({ length: 15 }, () => request(gateway.port, post));
    for (let at = 0; at < 15; at += 1) await respondToOne();
    assert.deepEqual(new Set((await Promise.all(again)).map(({ status }) => status)), new Set([200]));
    for (const wire of [first, ...wires]) wire.close();
  });
});
