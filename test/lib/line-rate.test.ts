import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineRate } from '../../src/lib/line-rate.ts';

test('of many lines a few are written, and the next span reports the number left out', () => {
  let now = 0;
  const rate = new LineRate({ wall: () => now, monotonic: () => now });
  const written = Array.from({ length: 2_000 }, () => rate.next()).filter((left) => left !== undefined);
  assert.deepEqual(written, [0, 0, 0, 0, 0]);
  now += 9_999;
  assert.equal(rate.next(), undefined);
  now += 1;
  assert.equal(rate.next(), 1_996);
  assert.equal(rate.next(), 0);
});
