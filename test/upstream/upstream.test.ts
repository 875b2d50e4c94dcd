import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { CounterFamily } from '../../src/lib/counters.ts';
import { systemTimers } from '../../src/lib/timers.ts';
import { Turn } from '../../src/lib/turn.ts';
import { NO_KEY } from '../../src/upstream/balance/balancer.ts';
import type { Connection } from '../../src/upstream/h1/connection.ts';
import { readBuffer } from '../../src/upstream/read-buffer.ts';
import type { ResponseSink } from '../../src/upstream/response-sink.ts';
import { ServerState } from '../../src/upstream/server-state.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import type { Waiter } from '../../src/upstream/waiting-line.ts';
import { eventually, retryDefaults, serverAt } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';

let origin: Origin;
let app: Upstream;

beforeEach(async () => {
  origin = await Origin.start();
  app = new Upstream({
    failures: new CounterFamily(),
    ofServer: (address) => ({
      state: new ServerState({ upstream: 'app', address }, systemClock, systemTimers, () => {}),
      onRefusedResponse: (fault) => assert.fail(fault),
    }),
    name: 'app',
    servers: [serverAt(origin.port)],
    timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 60_000, keepAliveMs: 60_000 },
    limits: { connections: 1, waiting: 1 },
    pipelining: 1,
    reuse: true,
    retries: retryDefaults,
    retried: new CounterFamily(),
    headLimit: 4096,
    readBuffer: readBuffer(),
    turn: new Turn(),
  });
});

afterEach(async () => {
  app.close();
  await origin.close();
});

const waiter = (told: string[]): Waiter => ({
  shareable: false,
  alone: false,
  avoid: undefined,
  key: NO_KEY,
  place: undefined,
  onConnection: () => void told.push('connection'),
  onNoConnection: (reason) => void told.push(reason),
});

test('an upstream that drains lets a request end, and keeps no connection', async () => {
  const connection = app.checkOut(waiter([]), false) as Connection;
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
  app.drain();
  assert.equal(app.count().busy, 1);
  upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await eventually(() => complete, Boolean);
  assert.deepEqual(app.count(), { idle: 0, busy: 0, connecting: 0, waiting: 0 });
  await upstream.closed();
});

test('an upstream that closes refuses waiting requests', () => {
  const told: string[] = [];
  app.checkOut(waiter([]), false);
  assert.equal(app.checkOut(waiter(told), false), undefined);
  assert.equal(app.checkOut(waiter([]), false), 'upstream_overloaded');
  app.close();
  assert.deepEqual(told, ['draining']);
  assert.deepEqual(app.count(), { idle: 0, busy: 0, connecting: 0, waiting: 0 });
});
