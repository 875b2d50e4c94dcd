import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { settled } from '../lifetime/stream.ts';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../support/gateway.ts';
import { HeldClock } from '../support/held-clock.ts';
import { Origin, type OriginConnection } from '../support/origin.ts';
import { Wire } from '../support/wire.ts';

const KIB = 1024;
const get = 'GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = (length: number): string =>
  `POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${length}\r\n\r\n`;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const open = { routes: [{ auth: 'none' as const }] };
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Status, reason, and whether the gateway ended the connection. */
async function refusal(wire: Wire): Promise<readonly [number, string, string | undefined]> {
  const response = await wire.response();
  return [response.status, JSON.parse(response.body).code, response.headers.get('connection')];
}

describe('timeouts.request', () => {
  const REQUEST_MS = 300;
  let origin: Origin;
  let gateway: TestGateway;
  let clock: HeldClock;
  const begin = async (options: Partial<TestOptions> = {}): Promise<void> => {
    gateway = await startGateway({
      upstreamPort: origin.port,
      config: { timeouts: { requestMs: REQUEST_MS } },
      ...open,
      ...options,
    });
  };
  const ask = async (bytes: string): Promise<[Wire, OriginConnection]> => {
    const wire = await Wire.open(gateway.port);
    wire.send(bytes);
    const upstream = await origin.connection();
    await upstream.head();
    return [wire, upstream];
  };

  beforeEach(async () => {
    clock = new HeldClock();
    origin = await Origin.start();
  });
  afterEach(async () => {
    clock.release();
    await gateway.close();
    await origin.close();
  });

  test('an upstream that responds in time, and one that does not: 504 upstream_timeout', async () => {
    await begin();
    const [wire, upstream] = await ask(get);
    upstream.write(ok);
    assert.equal((await wire.response()).body, 'ok');
    wire.send(get);
    await upstream.head();
    clock.pass(REQUEST_MS);
    assert.deepEqual(await refusal(wire), [504, 'upstream_timeout', undefined]);
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { forwarded: 1, upstream_timeout: 1 });
    wire.close();
  });

  test('a client whose body is incomplete: 408 request_timeout, and the connection ends', async () => {
    await begin();
    const [wire, upstream] = await ask(`${post(10)}hello`);
    clock.pass(REQUEST_MS);
    assert.deepEqual(await refusal(wire), [408, 'request_timeout', 'close']);
    await wire.untilClosed();
    await upstream.closed();
    assert.deepEqual(await gateway.outcomes(), { request_timeout: 1 });
    wire.close();
  });

  test('a client whose body waits for a slow upstream: 504 upstream_timeout', async () => {
    await begin();
    const size = 64 * KIB * KIB;
    const [wire, upstream] = await ask(post(size));
    upstream.socket.pause();
    wire.send('x'.repeat(size));
    await settled(() => wire.taken);
    clock.pass(REQUEST_MS);
    assert.deepEqual((await refusal(wire)).slice(0, 2), [504, 'upstream_timeout']);
    upstream.socket.resume();
    await upstream.closed();
    wire.reset();
  });

  test('a response that has begun is cut, and does not appear whole', async () => {
    await begin();
    const [wire, upstream] = await ask(get);
    upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await eventually(
      () => wire.pending,
      (text) => text.endsWith('hello'),
    );
    clock.pass(REQUEST_MS);
    await upstream.closed();
    assert.match(await wire.untilClosed(), /\r\n\r\nhello$/);
    assert.deepEqual(await gateway.outcomes(), { upstream_timeout: 1 });
    wire.close();
  });

  test('a client that does not read its response is cut, and upstream is not blamed', async () => {
    await begin();
    const wire = await Wire.open(gateway.port);
    wire.pauseReading();
    wire.send(get);
    const upstream = await origin.connection();
    await upstream.head();
    const size = 64 * KIB * KIB;
    upstream.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    upstream.write(Buffer.alloc(size));
    await settled(() => upstream.taken);
    clock.pass(REQUEST_MS);
    const seen = await eventually(
      () => gateway.outcomes(),
      (outcomes) => Object.keys(outcomes).length > 0,
    );
    assert.deepEqual(seen, { request_timeout: 1 });
    wire.reset();
  });

  test('a request that waits for a connection ends, and leaves the queue', async () => {
    await begin({ limits: { connections: 1, waiting: 1 } });
    const [first, upstream] = await ask(get);
    const second = await Wire.open(gateway.port);
    second.send(get);
    await eventually(
      () => gateway.connections(),
      (seen) => seen['waiting'] === 1,
    );
    clock.pass(REQUEST_MS);
    assert.deepEqual((await refusal(first)).slice(0, 2), [504, 'upstream_timeout']);
    assert.deepEqual((await refusal(second)).slice(0, 2), [504, 'upstream_timeout']);
    await upstream.closed();
    await eventually(
      () => gateway.connections(),
      (seen) => Object.keys(seen).length === 0,
    );
    first.close();
    second.close();
  });
});

/** A server that accepts nothing, with a full queue: a further connection hangs until its client gives up. */
const stuckServer = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

describe('timeouts.connect of an upstream', () => {
  test('ends the wait for a server that does not accept the connection: 502 upstream_unreachable', async () => {
    const server = new Worker(stuckServer, { eval: true });
    const [port] = (await once(server, 'message')) as [number];
    // The kernel queues one more than the backlog says.
    const queued = [await Wire.open(port), await Wire.open(port)];
    const gateway = await startGateway({ upstreamPort: port, ...open, timeouts: { connectMs: 200 } });
    const wire = await Wire.open(gateway.port);
    try {
      wire.send(get);
      await eventually(
        () => gateway.connections(),
        (seen) => seen['connecting'] === 1,
      );
      assert.deepEqual(await refusal(wire), [502, 'upstream_unreachable', undefined]);
      assert.deepEqual(await gateway.connections(), {});
    } finally {
      for (const one of [...queued, wire]) one.close();
      await gateway.close();
      await server.terminate();
    }
  });
});

/** These last longer than the engine's own time-outs, which they test; they run side by side. */
describe('slow bodies', { concurrency: true }, () => {
  /** Milliseconds after which the engine would cut the client, if its time-out were not postponed. */
  const BEYOND_ENGINE_MS = 14_000;

  interface Setting {
    readonly origin: Origin;
    readonly gateway: TestGateway;
    readonly wire: Wire;
  }
  const inSetting = async (bodyMinRate: number, play: (setting: Setting) => Promise<void>): Promise<void> => {
    const origin = await Origin.start();
    const config = { timeouts: { bodyMinRate } };
    const gateway = await startGateway({ upstreamPort: origin.port, ...open, config });
    const wire = await Wire.open(gateway.port);
    try {
      await play({ origin, gateway, wire });
    } finally {
      wire.reset();
      await gateway.close();
      await origin.close();
    }
  };
  const ask = async ({ origin, wire }: Setting, length: number): Promise<OriginConnection> => {
    wire.send(post(length));
    const upstream = await origin.connection();
    await upstream.head();
    return upstream;
  };

  test('one of 2 KiB/s arrives whole, however long it takes', () =>
    inSetting(KIB, async (setting) => {
      const steps = BEYOND_ENGINE_MS / 500;
      const upstream = await ask(setting, steps * KIB);
      for (let step = 0; step < steps; step += 1) {
        setting.wire.send('x'.repeat(KIB));
        await pass(500);
      }
      await upstream.take((text) => text.length === steps * KIB);
      upstream.write(ok);
      assert.equal((await setting.wire.response()).status, 200);
    }));

  test('one below the rate gets 408 request_timeout and the end of its connection', () =>
    inSetting(KIB, async (setting) => {
      const began = performance.now();
      const upstream = await ask(setting, 1_000_000);
      const trickle = setInterval(() => setting.wire.send('x'), 1000);
      await upstream.closed().finally(() => clearInterval(trickle));
      assert.ok(performance.now() - began > 9_000, 'it had its grace');
      assert.deepEqual(await refusal(setting.wire), [408, 'request_timeout', 'close']);
      await setting.wire.untilClosed();
      assert.deepEqual(await setting.gateway.outcomes(), { request_timeout: 1 });
    }));

  test('one of any rate passes without a rate, as long as bytes arrive', () =>
    inSetting(0, async (setting) => {
      const steps = BEYOND_ENGINE_MS / 2000;
      const upstream = await ask(setting, steps);
      for (let step = 0; step < steps; step += 1) {
        setting.wire.send('x');
        await pass(2000);
      }
      await upstream.take((text) => text.length === steps);
      upstream.write(ok);
      assert.equal((await setting.wire.response()).status, 200);
    }));

  test('one that waits for upstream is not too slow', () =>
    inSetting(KIB, async (setting) => {
      const size = 48 * KIB * KIB;
      const upstream = await ask(setting, size);
      upstream.socket.pause();
      setting.wire.send('x'.repeat(size));
      await pass(BEYOND_ENGINE_MS);
      assert.equal(setting.wire.closed, false);
      const whole = upstream.hash(size);
      upstream.socket.resume();
      await whole;
      upstream.write(ok);
      assert.equal((await setting.wire.response()).status, 200);
    }));

  // Such a body arrives before the connection to upstream is open, so its client is paused, and its last bytes arrive
  // during the pause. Resuming starts the engine's time-out, although the client owes nothing.
  const askHavingPaused = async ({ origin, wire }: Setting): Promise<OriginConnection> => {
    const size = 200 * KIB;
    wire.send(post(size) + 'x'.repeat(size));
    const upstream = await origin.connection();
    await upstream.take((text) => text.split('\r\n\r\n')[1]?.length === size);
    return upstream;
  };

  test('the wait for the response to a body that had to pause is not cut', () =>
    inSetting(KIB, async (setting) => {
      const upstream = await askHavingPaused(setting);
      await pass(BEYOND_ENGINE_MS);
      upstream.write(ok);
      assert.equal((await setting.wire.response()).status, 200);
    }));

  test('a long response to a body that had to pause is not cut', () =>
    inSetting(KIB, async (setting) => {
      const upstream = await askHavingPaused(setting);
      upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      await pass(BEYOND_ENGINE_MS);
      upstream.write('5\r\nworld\r\n0\r\n\r\n');
      assert.equal((await setting.wire.response()).body, 'helloworld');
    }));

  test('a client that leaves is noticed while the engine’s time-out is postponed', () =>
    inSetting(KIB, async (setting) => {
      const upstream = await ask(setting, 1_000_000);
      await pass(5_000);
      setting.wire.reset();
      await upstream.closed();
      assert.deepEqual(await setting.gateway.outcomes(), { client_aborted: 1 });
    }));
});
