import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Attempt, type AttemptOwner } from '../../src/exchange/attempt.ts';
import type { ResponseHead } from '../../src/http/message.ts';
import { CounterFamily } from '../../src/lib/counters.ts';
import { NO_KEY } from '../../src/upstream/balance/balancer.ts';
import { type Retry, RetryPolicy } from '../../src/upstream/retry.ts';
import type { ServerState } from '../../src/upstream/server-state.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import type { UpstreamStream } from '../../src/upstream/upstream-stream.ts';
import { type Waiter, WaitingLine } from '../../src/upstream/waiting-line.ts';
import { retryDefaults } from '../support/gateway.ts';
import { stale } from '../support/stale.ts';

let events: string[];
let failures: CounterFamily;
let outlasted: boolean;
let connecting: boolean;
let retries: RetryPolicy;

const server = {} as ServerState;
/** A kept connection turned out to be closed. */
const again: Retry = { counted: 0, holdsPlace: false, fresh: true, avoid: undefined };

const stream = {
  server,
  get connecting() {
    return connecting;
  },
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
  onRetry: ({ counted, fresh }) => void events.push(`retry ${counted} ${fresh}`),
  onUpgraded: () => void events.push('upgraded'),
  onFailure: (reason) => void events.push(reason),
};

beforeEach(() => {
  events = [];
  failures = new CounterFamily();
  outlasted = false;
  connecting = false;
  retries = new RetryPolicy({ ...retryDefaults, on: ['unavailable'] }, new CounterFamily(), {
    underWay: 1,
    hasOther: () => true,
  });
});

interface Wanted {
  readonly method?: string;
  readonly hasBody?: boolean;
  readonly retry?: Retry;
  readonly alone?: boolean;
}

/** An attempt at an upstream that offers a stream, no place to wait, or, if undefined, a place. */
function attempt(has: UpstreamStream | 'upstream_overloaded' | undefined, wanted: Wanted = {}): Attempt {
  const { method = 'GET', hasBody = false, retry, alone = false } = wanted;
  const line = new WaitingLine<Waiter>();
  const upstream = {
    failures,
    retries,
    checkOut(waiter: Waiter, fresh: boolean) {
      if (fresh) events.push('fresh');
      if (has === undefined) waiter.place = line.add(waiter, 1);
      return has;
    },
    cancel: () => events.push('cancel'),
  } as unknown as Upstream;
  const plain = { text: 'head', encoding: 'latin1' } as const;
  const head = alone ? ({ ...plain, connectionAuth: true } as const) : plain;
  return new Attempt(owner, upstream, method, head, hasBody, retry, NO_KEY);
}

describe('an attempt', () => {
  test('sends its request at once when there is a connection', () => {
    attempt(stream, { method: 'POST', hasBody: true }).start();
    assert.deepEqual(events, ['send POST head true', 'sent']);
  });

  test('keeps a body until there is a connection', () => {
    connecting = true;
    const one = attempt(stream, { method: 'PUT', hasBody: true });
    one.start();
    assert.deepEqual(events, ['send PUT head true']);
    one.onConnected();
    assert.deepEqual(events, ['send PUT head true', 'sent']);
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
    for (const retry of [undefined, again]) {
      events = [];
      const one = attempt(stream, retry === undefined ? {} : { retry });
      one.start();
      events = [];
      one.onFailure(stale);
      one.abandon();
      assert.deepEqual(events, [retry === undefined ? 'retry 0 true' : 'upstream_reset']);
    }
    assert.equal(failures.of('upstream_reset').value, 2);
  });

  test('after one on a closed connection asks for a connection that no request used', () => {
    attempt(stream, { retry: again }).start();
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

  describe('at a server that is unavailable', () => {
    const unavailable = (status: number): ResponseHead => ({ status }) as ResponseHead;

    test('passes on no byte, and gives up a response that is not complete', () => {
      for (const complete of [true, false]) {
        const one = attempt(stream);
        one.start();
        events = [];
        one.onResponse(unavailable(503), [], complete);
        one.abandon();
        assert.deepEqual(events, complete ? ['retry 1 false'] : ['abandon', 'retry 1 false']);
      }
    });

    for (const [name, wanted, status] of [
      ['to a request that must not go twice', { method: 'POST' }, 503],
      ['to a request with a body', { method: 'PUT', hasBody: true }, 503],
      ['with another status', {}, 500],
      ['with another status', {}, 505],
      ['to a retry where no more are allowed', { retry: { ...again, counted: 1 } }, 503],
    ] as const) {
      test(`passes on the response ${name}`, () => {
        const one = attempt(stream, wanted);
        one.start();
        events = [];
        one.onResponse(unavailable(status), [], true);
        assert.deepEqual(events, ['response true']);
      });
    }

    test('passes on the response after an interim one', () => {
      const one = attempt(stream);
      one.start();
      one.onInterim(unavailable(103));
      events = [];
      one.onResponse(unavailable(503), [], true);
      assert.deepEqual(events, ['response true']);
    });

    test('holds its place in the budget until it ends, in each way to end', () => {
      const retry: Retry = { counted: 1, holdsPlace: true, fresh: false, avoid: server };
      const ends: readonly ((one: Attempt) => void)[] = [
        (one) => one.abandon(),
        (one) => void one.finish(),
        (one) => one.onFailure({ ...stale, repeatable: false }),
      ];
      for (const end of ends) {
        const all = [1, 2, 3].map(() => attempt(stream, { retry }));
        for (const one of all) one.start();
        assert.equal(retries.afterUnavailable(server, undefined), undefined);
        for (const one of all) {
          end(one);
          one.abandon();
        }
        assert.ok(retries.afterUnavailable(server, undefined) !== undefined);
      }
    });
  });

  test('shares a connection only for a request that can be repeated, and only as the first', () => {
    for (const [wanted, shareable] of [
      [{}, true],
      [{ method: 'PUT' }, true],
      [{ method: 'HEAD' }, false],
      [{ method: 'POST' }, false],
      [{ hasBody: true }, false],
      [{ retry: again }, false],
      [{ alone: true }, false],
    ] as const) {
      assert.equal(attempt(stream, wanted).shareable, shareable, JSON.stringify(wanted));
    }
    assert.deepEqual([attempt(stream).alone, attempt(stream, { alone: true }).alone], [false, true]);
  });
});
