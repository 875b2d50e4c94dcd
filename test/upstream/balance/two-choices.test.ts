import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TwoChoices } from '../../../src/upstream/balance/two-choices.ts';
import { candidate, candidates, repeatable } from './candidates.ts';

/** How often each candidate is chosen in 10,000 choices without load. */
function shares(weights: readonly number[], avoid = -1): number[] {
  const balancer = new TwoChoices(repeatable());
  balancer.use(candidates(weights));
  const counts = weights.map(() => 0);
  for (let count = 0; count < 10_000; count += 1) {
    const index = balancer.choose(avoid);
    counts[index] = (counts[index] as number) + 1;
  }
  return counts;
}

test('candidates without load are chosen by their weights', () => {
  for (const weights of [[1], [1, 1], [1, 3], [256, 1, 100], [1, 1, 1, 1, 5, 1, 90]]) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    shares(weights).forEach((count, index) => {
      const right = (10_000 * (weights[index] as number)) / total;
      assert.ok(Math.abs(count - right) < 200, `${weights}: ${count} of ${right}`);
    });
  }
});

test('of two candidates the one with less load for its weight is chosen', () => {
  const balancer = new TwoChoices(repeatable());
  for (const [a, b, wanted] of [
    [candidate(1, 3), candidate(1, 2), 1],
    [candidate(2, 3), candidate(1, 2), 0],
    [candidate(4, 3), candidate(1, 1), 0],
    [candidate(1, 0), candidate(256, 1), 0],
  ] as const) {
    balancer.use([a, b]);
    for (let count = 0; count < 100; count += 1) assert.equal(balancer.choose(-1), wanted);
  }
});

test('with one candidate to avoid the others share its part', () => {
  const [avoided = 0, ...others] = shares([1, 1, 1], 0);
  assert.equal(avoided, 0);
  for (const count of others) assert.ok(count > 4_000, `${others}`);
});
