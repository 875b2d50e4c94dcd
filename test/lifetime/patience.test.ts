import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Connection } from '../../src/upstream/h1/connection.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import { eventually, serverOf, type TestGateway } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { framingLine, MIB, pour, SlowReader } from './stream.ts';

/** More than the kernel's buffers of two socket pairs take. */
const SIZE = 32 * MIB;
/** Both time-outs of upstream in milliseconds, and a number of ticks of 100 ms after which they have long passed. */
const TIMEOUT_MS = 200;
const LONG_TICKS = 8;

let origin: Origin;
let gateway: TestGateway;

publicGateway(
  'anew',
  (made) => {
    ({ origin, gateway } = made);
  },
  { timeouts: { responseMs: TIMEOUT_MS, idleMs: TIMEOUT_MS } },
);

/** The connection to upstream is not read, because the client does not take its response. */
let stopped: boolean;

beforeEach(() => {
  stopped = false;
  watch('pause', true);
  watch('resume', false);
});

afterEach(() => mock.restoreAll());

function watch(step: 'pause' | 'resume', stops: boolean): void {
  const original = Connection.prototype[step];
  mock.method(Connection.prototype, step, function (this: Connection) {
    stopped = stops;
    original.call(this);
  });
}

/** The upstream has compared every deadline with the time often enough for all of them to be over. */
async function timeoutsPass(): Promise<void> {
  const app = serverOf(gateway).service.upstreams.get('app') as Upstream;
  const start = app.tick;
  await eventually(
    () => app.tick,
    (now) => now > start + LONG_TICKS,
  );
}

describe('upstream is not reported late', () => {
  for (const framing of ['length', 'chunked', 'close'] as const) {
    test(`while a client does not take a response framed by ${framing}`, async () => {
      const reader = await SlowReader.open(gateway.port, MIB, 0);
      reader.socket.write('GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      const upstream = await origin.connection();
      await upstream.head();
      upstream.write(`HTTP/1.1 200 OK\r\n${framingLine(framing, SIZE)}\r\n`);
      void pour(upstream.socket, framing, SIZE);
      await eventually(() => stopped, Boolean);
      await timeoutsPass();
      assert.deepEqual(await gateway.outcomes(), {});
      reader.hurry();
      const seen = await eventually(
        () => gateway.outcomes(),
        (counts) => Object.keys(counts).length > 0,
      );
      assert.deepEqual(seen, { forwarded: 1 });
      reader.socket.destroy();
    });
  }
});
