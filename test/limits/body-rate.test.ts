import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyRate } from '../../src/limits/body-rate.ts';

/** Milliseconds that a body may fall behind. */
const GRACE = 10_000;
/** Bytes per second. */
const RATE = 1000;

describe('a request body', () => {
  test('that sends nothing is too slow when the grace is over, and not before', () => {
    const rate = new BodyRate(RATE, 500);
    assert.equal(rate.keeps(500 + GRACE - 1, 0, false), true);
    assert.equal(rate.keeps(500 + GRACE, 0, false), false);
  });

  test('that keeps exactly its rate is never too slow', () => {
    const rate = new BodyRate(RATE, 0);
    for (let second = 1; second <= 3600; second += 1) {
      assert.equal(rate.keeps(second * 1000, second * RATE, false), true);
    }
  });

  test('of half the rate has twice the grace', () => {
    const rate = new BodyRate(RATE, 0);
    assert.equal(rate.keeps(2 * GRACE - 2, GRACE - 1, false), true);
    assert.equal(rate.keeps(2 * GRACE, GRACE, false), false);
  });

  test('that began fast may not pause for longer than the grace', () => {
    const rate = new BodyRate(RATE, 0);
    assert.equal(rate.keeps(100, 1_000_000_000, false), true);
    assert.equal(rate.keeps(100 + GRACE - 1, 1_000_000_000, false), true);
    assert.equal(rate.keeps(100 + GRACE, 1_000_000_000, false), false);
  });

  test('is not charged for time in which it was paused', () => {
    const rate = new BodyRate(RATE, 0);
    assert.equal(rate.keeps(GRACE - 1, 0, false), true);
    assert.equal(rate.keeps(100 * GRACE, 0, true), true);
    assert.equal(rate.keeps(100 * GRACE + 1, 0, false), false);
  });

  test('is never too slow without a rate', () => {
    const rate = new BodyRate(0, 0);
    assert.equal(rate.keeps(1000 * GRACE, 0, false), true);
  });
});
