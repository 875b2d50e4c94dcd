import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EMPTY_HASH, hashText } from '../../../src/lib/text-hash.ts';
import { type Balancer, NO_KEY } from '../../../src/upstream/balance/balancer.ts';
import { BoundedHash } from '../../../src/upstream/balance/bounded-hash.ts';
import { RoundRobin } from '../../../src/upstream/balance/round-robin.ts';
import { TwoChoices } from '../../../src/upstream/balance/two-choices.ts';
import { candidates, repeatable, type TestCandidate } from './candidates.ts';

const balancers: readonly (readonly [string, (random: () => number) => Balancer])[] = [
  ['two choices', (random) => new TwoChoices(random)],
  ['round robin', (random) => new RoundRobin(random)],
  ['bounded hash', (random) => new BoundedHash(random)],
];

const keys = Array.from({ length: 500 }, (_, index) => hashText(`user-${index}`, EMPTY_HASH) >>> 1);

for (const [name, make] of balancers) {
  describe(name, () => {
    const using = (servers: readonly TestCandidate[]): Balancer => {
      const balancer = make(repeatable());
      balancer.use(servers);
      return balancer;
    };
    /** The indexes that are chosen for requests with keys and without, whatever else is asked. */
    const chosen = (balancer: Balancer, avoid = -1): ReadonlySet<number> =>
      new Set([...keys, ...keys.map(() => NO_KEY)].map((key) => balancer.choose(avoid, key)));

    test('chooses nothing of nothing', () => {
      assert.deepEqual(chosen(using([])), new Set([-1]));
      assert.deepEqual(chosen(make(Math.random)), new Set([-1]));
    });

    for (const weights of [[1], [1, 1], [1, 256], [3, 1, 2], new Array<number>(256).fill(1)]) {
      test(`chooses each of ${weights.length}`, () => {
        const balancer = using(candidates(weights));
        const all = new Set<number>();
        for (let round = 0; round < 20; round += 1) for (const index of chosen(balancer)) all.add(index);
        assert.deepEqual(all, new Set(weights.keys()));
      });
    }

    test('chooses no full server', () => {
      const servers = candidates([100, 1, 1]);
      const [heavy, , third] = servers as [TestCandidate, TestCandidate, TestCandidate];
      heavy.full = true;
      third.full = true;
      const balancer = using(servers);
      for (const avoid of [-1, 0, 1, 2]) assert.deepEqual(chosen(balancer, avoid), new Set([1]));
      heavy.full = false;
      assert.deepEqual(chosen(balancer), new Set([0, 1]));
      assert.deepEqual(chosen(balancer, 0), new Set([1]));
    });

    test('chooses none when all are full, and the only one that is not', () => {
      const servers = candidates(new Array<number>(256).fill(1));
      for (const server of servers) server.full = true;
      const balancer = using(servers);
      for (const avoid of [-1, 0, 255]) assert.deepEqual(chosen(balancer, avoid), new Set([-1]));
      (servers[200] as TestCandidate).full = false;
      for (const avoid of [-1, 0, 200]) assert.deepEqual(chosen(balancer, avoid), new Set([200]));
    });

    test('chooses a server to avoid only if no other can take the request', () => {
      const servers = candidates([256, 1]);
      const balancer = using(servers);
      assert.deepEqual(chosen(balancer, 0), new Set([1]));
      (servers[1] as TestCandidate).full = true;
      assert.deepEqual(chosen(balancer, 0), new Set([0]));
      assert.deepEqual(chosen(using(candidates([1])), 0), new Set([0]));
    });

    test('takes a request even where every server has much to do', () => {
      const servers = candidates([1, 2, 3]);
      for (const server of servers) server.load = 100_000;
      assert.ok(!chosen(using(servers)).has(-1));
    });

    test('serves other candidates after a change, and none that has gone', () => {
      const [first, second, third] = candidates([1, 1, 1]) as [TestCandidate, TestCandidate, TestCandidate];
      const balancer = using([first, second, third]);
      chosen(balancer);
      balancer.use([second]);
      assert.deepEqual(chosen(balancer), new Set([0]));
      balancer.use([third, first, second]);
      assert.deepEqual(chosen(balancer), new Set([0, 1, 2]));
      balancer.use([]);
      assert.deepEqual(chosen(balancer), new Set([-1]));
    });

    for (const weights of [
      [1, 3],
      [5, 1, 1],
      [256, 1, 100],
      [1, 1, 1, 1, 5, 1, 90],
    ]) {
      test(`gives weights of ${weights} their parts`, () => {
        const balancer = using(candidates(weights));
        const counts = weights.map(() => 0);
        for (let count = 0; count < 20_000; count += 1) {
          const index = balancer.choose(-1, hashText(String(count), EMPTY_HASH) >>> 1);
          counts[index] = (counts[index] as number) + 1;
        }
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        counts.forEach((count, index) => {
          const right = (20_000 * (weights[index] as number)) / total;
          assert.ok(Math.abs(count - right) < 400, `${weights}: ${count} of ${right}`);
        });
      });
    }
  });
}
