import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { CounterFamily } from '../../src/lib/counters.ts';
import { type AttemptFailure, isUntaken, type Retry, RetryPolicy } from '../../src/upstream/retry.ts';
import type { ServerState } from '../../src/upstream/server-state.ts';
import { retryDefaults } from '../support/gateway.ts';
import { stale } from '../support/stale.ts';

const server = {} as ServerState;
const unreachable: AttemptFailure = {
  ...stale,
  reason: 'upstream_unreachable',
  sent: 'nothing',
  reused: false,
};
const reset: AttemptFailure = { ...stale, reused: false };

let counts: CounterFamily;
let underWay: number;
let others: boolean;

beforeEach(() => {
  counts = new CounterFamily();
  underWay = 1;
  others = true;
});

function policy(rules: Partial<typeof retryDefaults> = {}): RetryPolicy {
  return new RetryPolicy({ ...retryDefaults, ...rules }, counts, {
    get underWay() {
      return underWay;
    },
    hasOther: () => others,
  });
}

const counted = (): Record<string, number> =>
  Object.fromEntries([...counts.members].map(([result, { value }]) => [result, value]));

describe('a request that upstream has not begun', () => {
  for (const [name, failure] of [
    ['a repeatable request on a kept connection that upstream closed', stale],
    ['a request of which upstream saw nothing', { ...stale, sent: 'nothing', repeatable: false }],
    ['the same when its time is over', { ...stale, sent: 'nothing', reason: 'upstream_timeout' }],
  ] as const) {
    test(`is sent again on a new connection to any server, once: ${name}`, () => {
      others = false;
      const none = policy({ attempts: 0 });
      const retry = none.afterFailure(failure, server, undefined);
      assert.deepEqual(retry, { counted: 0, holdsPlace: false, fresh: true, avoid: undefined });
      assert.equal(none.afterFailure(failure, server, retry), undefined);
      assert.deepEqual(counted(), { kept_closed: 1 });
      assert.ok(isUntaken(failure));
    });
  }

  test('takes no place in the budget', () => {
    const rules = policy();
    for (let count = 0; count < 100; count += 1) {
      const retry = rules.afterFailure(stale, server, undefined);
      assert.ok(retry !== undefined);
      rules.begins(retry);
    }
    assert.equal(rules.afterFailure(unreachable, server, undefined)?.counted, 1);
  });
});

describe('a request that upstream may have begun', () => {
  for (const [name, failure] of [
    ['a server that no connection can be made to', unreachable],
    ['the same with any method', { ...unreachable, repeatable: false }],
    ['a new connection that ends before the response', reset],
  ] as const) {
    test(`goes to another server, within attempts: ${name}`, () => {
      const rules = policy({ attempts: 2 });
      const first = rules.afterFailure(failure, server, undefined);
      assert.deepEqual(first, { counted: 1, holdsPlace: true, fresh: false, avoid: server });
      const second = rules.afterFailure(failure, server, first);
      assert.deepEqual(second, { counted: 2, holdsPlace: true, fresh: false, avoid: server });
      assert.equal(rules.afterFailure(failure, server, second), undefined);
      others = false;
      assert.equal(rules.afterFailure(failure, server, undefined), undefined);
      assert.deepEqual(counted(), { sent: 2 });
    });
  }

  for (const [name, failure] of [
    ['a request that must not go twice', { ...stale, repeatable: false }],
    ['a response that has begun', { ...stale, responseBegun: true }],
    ['a server that keeps silent', { ...stale, reason: 'upstream_timeout' }],
    ['a response that was refused', { ...stale, reason: 'upstream_invalid_response' }],
    ['a request sent in part that must not go twice', { ...stale, sent: 'part', repeatable: false }],
    ['a body that has gone to a connection that was not made', { ...unreachable, sent: 'part' }],
  ] as const) {
    test(`is not sent again: ${name}`, () => {
      const all = policy({ attempts: 5, on: ['connect', 'reset', 'unavailable'] });
      assert.equal(all.afterFailure(failure, server, undefined), undefined);
      assert.ok(!isUntaken(failure));
      assert.deepEqual(counted(), {});
    });
  }

  test('is sent again only for what the configuration names', () => {
    const on = (...causes: (typeof retryDefaults)['on']): boolean[] => {
      const rules = policy({ on: causes });
      return [
        rules.afterFailure(unreachable, server, undefined),
        rules.afterFailure(reset, server, undefined),
        rules.afterUnavailable(server, undefined),
      ].map((retry) => retry !== undefined);
    };
    assert.deepEqual(on('connect'), [true, false, false]);
    assert.deepEqual(on('reset'), [false, true, false]);
    assert.deepEqual(on('unavailable'), [false, false, true]);
  });

  test('goes on after a kept connection, with its count and its server', () => {
    const rules = policy();
    const earlier = rules.afterFailure(unreachable, server, undefined);
    const again = rules.afterFailure(stale, {} as ServerState, earlier);
    assert.deepEqual([again?.counted, again?.fresh, again?.avoid === server], [1, true, true]);
    assert.equal(rules.afterFailure(reset, server, again), undefined);
  });
});

describe('the budget for retries', () => {
  const begin = (rules: RetryPolicy): Retry | undefined => {
    const retry = rules.afterFailure(unreachable, server, undefined);
    if (retry !== undefined) rules.begins(retry);
    return retry;
  };

  test('is a share of the requests under way, and never less than 3', () => {
    for (const [requests, most] of [
      [1, 3],
      [19, 3],
      [20, 4],
      [100, 20],
    ] as const) {
      underWay = requests;
      counts = new CounterFamily();
      const rules = policy();
      for (let count = 0; count < 50; count += 1) begin(rules);
      assert.deepEqual(counted(), { sent: most, over_budget: 50 - most });
    }
  });

  test('is not for a server that refuses a connection, and is for one that leaves it open', () => {
    const rules = policy({ attempts: 2 });
    const fill = [begin(rules), begin(rules), begin(rules)];
    for (const cause of [
      'refused',
      'unreachable',
      'certificate_expired',
      'certificate_name',
      'certificate_untrusted',
    ] as const) {
      const retry = rules.afterFailure({ ...unreachable, cause }, server, undefined);
      assert.deepEqual(retry, { counted: 1, holdsPlace: false, fresh: false, avoid: server }, cause);
      rules.begins(retry as Retry);
      rules.ends(retry as Retry);
    }
    for (const cause of ['timeout', 'reset', 'tls_failed', 'no_socket', 'failed'] as const) {
      assert.equal(rules.afterFailure({ ...unreachable, cause }, server, undefined), undefined, cause);
    }
    // Its later failure is judged like any other, and the places that others hold stay theirs.
    const refused: AttemptFailure = { ...unreachable, cause: 'refused' };
    const first = rules.afterFailure(refused, server, undefined);
    assert.equal(rules.afterFailure(reset, server, first), undefined);
    rules.ends(fill[0] as Retry);
    assert.equal(rules.afterFailure(reset, server, first)?.holdsPlace, true);
    // It counts among the attempts.
    const second = rules.afterFailure(refused, server, first);
    assert.equal(second?.counted, 2);
    assert.equal(rules.afterFailure(refused, server, second), undefined);
  });

  test('has room again when an attempt ends', () => {
    const rules = policy();
    const retries = [begin(rules), begin(rules), begin(rules)];
    assert.equal(begin(rules), undefined);
    rules.ends(retries[0] as Retry);
    assert.ok(begin(rules) !== undefined);
    assert.equal(begin(rules), undefined);
  });
});
