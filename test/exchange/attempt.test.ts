import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Attempt, type AttemptOwner } from '../../src/exchange/attempt.ts';
import { CounterFamily } from '../../src/lib/counters.ts';
import { NO_KEY } from '../../src/upstream/balance/balancer.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import type { UpstreamStream } from '../../src/upstream/upstream-stream.ts';
import { type Waiter, WaitingLine } from '../../src/upstream/waiting-line.ts';
import { stale } from '../support/stale.ts';

let events: string[];
let failures: CounterFamily;
let outlasted: boolean;

const stream = {
  get outlasted() {
    return outlasted;
  },
  send: (method: string, { text }: { text: string }, hasBody: boolean) =>
    events.push(`send ${method} ${text} ${hasBody}`),
  pause: () => events.push('pause'),
  resume: () => events.push('resume'),
  abandon: () => events.push('abandon'),
} as unknown as UpstreamStream;

const owner: AttemptOwner = {
  onSent: () => void events.push('sent'),
  onNoConnection: (reason) => void events.push(reason),
  onUploadDrained() {},
  onInterim: ({ status }) => void events.push(`interim ${status}`),
  onTrailers: ({ names }) => void events.push(`trailers ${names}`),
  onResponse: (_head, _pieces, complete) => void events.push(`response ${complete}`),
  onFailure: (reason, again) => void events.push(`${reason} ${again}`),
};

beforeEach(() => {
  events = [];
  failures = new CounterFamily();
  outlasted = false;
});

interface Wanted {
  readonly method?: string;
  readonly hasBody?: boolean;
  readonly second?: boolean;
  readonly alone?: boolean;
}

/** An attempt at an upstream that offers a stream, no place to wait, or, if undefined, a place. */
function attempt(has: UpstreamStream | 'upstream_overloaded' | undefined, wanted: Wanted = {}): Attempt {
  const { method = 'GET', hasBody = false, second = false, alone = false } = wanted;
  const line = new WaitingLine<Waiter>();
  const upstream = {
    failures,
    checkOut(waiter: Waiter, fresh: boolean) {
      if (fresh) events.push('fresh');
      if (has === undefined) waiter.place = line.add(waiter, 1);
      return has;
    },
    cancel: () => events.push('cancel'),
  } as unknown as Upstream;
  const plain = { text: 'head', encoding: 'latin1' } as const;
  const head = alone ? ({ ...plain, connectionAuth: true } as const) : plain;
  return new Attempt(owner, upstream, method, head, hasBody, second, NO_KEY);
}

describe('an attempt', () => {
  test('sends its request at once when there is a connection', () => {
    attempt(stream, { method: 'POST', hasBody: true }).start();
    assert.deepEqual(events, ['send POST head true', 'sent']);
  });

  test('sends it later when it has to wait, and frees its place when it is abandoned', () => {
    const waits = attempt(undefined);
    waits.start();
    assert.deepEqual(events, []);
    waits.abandon();
    assert.deepEqual(events, ['cancel']);
    const served = attempt(undefined);
    served.start();
    served.place = undefined;
    served.onConnection(stream);
    assert.deepEqual(events, ['cancel', 'send GET head false', 'sent']);
  });

  test('reports that too many wait', () => {
    attempt('upstream_overloaded').start();
    assert.deepEqual(events, ['upstream_overloaded']);
  });

  test('counts a failure, releases its connection, and reports whether another attempt may follow', () => {
    for (const second of [false, true]) {
      events = [];
      const one = attempt(stream, { second });
      one.start();
      events = [];
      one.onFailure(stale);
      one.abandon();
      assert.deepEqual(events, [`upstream_reset ${!second}`]);
    }
    assert.equal(failures.of('upstream_reset').value, 2);
  });

  test('that is the second asks for a connection that no request used', () => {
    attempt(stream, { second: true }).start();
    assert.equal(events[0], 'fresh');
  });

  test('hands its stream on when upstream still reads the request, and has none afterwards', () => {
    for (const reads of [true, false]) {
      outlasted = reads;
      const one = attempt(stream);
      one.start();
      events = [];
      assert.equal(one.finish(), reads ? stream : undefined);
      one.pause();
      one.resume();
      one.abandon();
      assert.deepEqual(events, []);
    }
  });

  test('shares a connection only for a request that can be repeated, and only as the first', () => {
    for (const [wanted, shareable] of [
      [{}, true],
      [{ method: 'PUT' }, true],
      [{ method: 'HEAD' }, false],
      [{ method: 'POST' }, false],
      [{ hasBody: true }, false],
      [{ second: true }, false],
      [{ alone: true }, false],
    ] as const) {
      assert.equal(attempt(stream, wanted).shareable, shareable, JSON.stringify(wanted));
    }
    assert.deepEqual([attempt(stream).alone, attempt(stream, { alone: true }).alone], [false, true]);
  });
});
