import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { CounterFamily } from '../../src/lib/counters.ts';
import type { Connection } from '../../src/upstream/h1/connection.ts';
import { readBuffer } from '../../src/upstream/h1/read-buffer.ts';
import { Pool, type PoolWaiter } from '../../src/upstream/pool.ts';
import type { ResponseSink } from '../../src/upstream/response-sink.ts';
import { ServerState } from '../../src/upstream/server-state.ts';
import { eventually } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';

let origin: Origin;
let pool: Pool;

beforeEach(async () => {
  origin = await Origin.start();
  pool = new Pool({
    failures: new CounterFamily(),
    state: new ServerState({ upstream: 'app', address: 'a:1' }, systemClock, () => {}),
    name: 'app',
    server: { host: '127.0.0.1', port: origin.port },
    timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
    limits: { connections: 1, waiting: 1 },
    pipelining: 1,
    reuse: true,
    onRefusedAnswer: (fault) => assert.fail(fault),
    headLimit: 4096,
    readBuffer: readBuffer(),
  });
});

afterEach(async () => {
  pool.close();
  await origin.close();
});

const waiter = (told: string[]): PoolWaiter => ({
  shareable: false,
  alone: false,
  place: undefined,
  onConnection: () => void told.push('connection'),
  onNoConnection: (reason) => void told.push(reason),
});

test('a pool that drains lets a request end, and keeps nothing of it', async () => {
  const connection = pool.checkOut(waiter([]), false) as Connection;
  let complete = false;
  const sink: ResponseSink = {
    onResponse: (_head, _pieces, last) => {
      complete = last;
    },
    onFailure: ({ reason }) => assert.fail(reason),
    onUploadDrained() {},
  };
  connection.send('GET', { text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', encoding: 'latin1' }, false, sink);
  const upstream = await origin.connection();
  await upstream.head();
  pool.drain();
  assert.equal(pool.count().busy, 1);
  upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await eventually(() => complete, Boolean);
  assert.deepEqual(pool.count(), { idle: 0, busy: 0, connecting: 0, waiting: 0 });
  await upstream.closed();
});

test('a pool that closes tells who waits', () => {
  const told: string[] = [];
  pool.checkOut(waiter([]), false);
  assert.equal(pool.checkOut(waiter(told), false), undefined);
  assert.equal(pool.checkOut(waiter([]), false), 'full');
  pool.close();
  assert.deepEqual(told, ['draining']);
  assert.deepEqual(pool.count(), { idle: 0, busy: 0, connecting: 0, waiting: 0 });
});
