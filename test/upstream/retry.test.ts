import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AttemptFailure, isUntaken, mayRetry } from '../../src/upstream/retry.ts';
import { stale } from '../support/stale.ts';

describe('another attempt', () => {
  for (const [name, failure] of [
    ['a repeatable request on a kept connection that upstream closed', stale],
    ['a request of which upstream saw nothing', { ...stale, sent: 'nothing', repeatable: false }],
    ['the same when its time is over', { ...stale, sent: 'nothing', reason: 'upstream_timeout' }],
  ] as const) {
    test(`follows ${name}, once`, () => {
      assert.deepEqual([mayRetry(failure, false), mayRetry(failure, true)], [true, false]);
      assert.ok(isUntaken(failure));
    });
  }

  for (const [name, other] of [
    ['a request that must not go twice', { repeatable: false }],
    ['a response that has begun', { responseBegun: true }],
    ['a new connection', { reused: false }],
    ['a server that no connection can be made to', { reason: 'upstream_unreachable', sent: 'nothing' }],
    ['a server that keeps silent', { reason: 'upstream_timeout' }],
    ['a response that was refused', { reason: 'upstream_invalid_response' }],
    ['a request sent in part that must not go twice', { sent: 'part', repeatable: false }],
  ] as const) {
    test(`does not follow ${name}`, () => {
      const failure: AttemptFailure = { ...stale, ...other };
      assert.ok(!mayRetry(failure, false));
      assert.ok(!isUntaken(failure));
    });
  }
});
