import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundRobin } from '../../../src/upstream/balance/round-robin.ts';
import { candidates, repeatable, type TestCandidate } from './candidates.ts';

const take = (balancer: RoundRobin, count: number): number[] =>
  Array.from({ length: count }, () => balancer.choose(-1));

test('servers of one weight take turns', () => {
  const balancer = new RoundRobin(repeatable());
  balancer.use(candidates([1, 1, 1, 1]));
  const round = take(balancer, 4);
  assert.deepEqual([...round].sort(), [0, 1, 2, 3]);
  for (let more = 0; more < 100; more += 1) assert.deepEqual(take(balancer, 4), round);
});

test('gateways that start together do not all begin with one server', () => {
  const random = repeatable();
  const first = new Set<number>();
  for (let gateway = 0; gateway < 50; gateway += 1) {
    const balancer = new RoundRobin(random);
    balancer.use(candidates([1, 1, 1]));
    first.add(balancer.choose(-1));
  }
  assert.equal(first.size, 3);
});

test('turns are spread evenly by weight', () => {
  for (const weights of [
    [5, 1, 1],
    [1, 2, 3, 4],
    [256, 1, 100, 7],
    [2, 2, 3],
  ]) {
    const balancer = new RoundRobin(repeatable());
    balancer.use(candidates(weights));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const order = take(balancer, total * 3);
    weights.forEach((weight, index) => {
      assert.equal(order.filter((one) => one === index).length, weight * 3, `${weights}: ${index}`);
      // After any number of turns each server has had its part, but for two.
      let had = 0;
      order.forEach((one, at) => {
        if (one === index) had += 1;
        const right = ((at + 1) * weight) / total;
        assert.ok(Math.abs(had - right) <= 2, `${weights}: ${had} of ${right}`);
      });
    });
  }
});

test('a server that was full takes its turns again, and no more', () => {
  const servers = candidates([1, 1, 1]);
  const balancer = new RoundRobin(repeatable());
  balancer.use(servers);
  const [first] = servers as [TestCandidate];
  first.full = true;
  assert.ok(!take(balancer, 300).includes(0));
  first.full = false;
  const after = take(balancer, 30);
  assert.equal(after.filter((index) => index === 0).length, 10);
});

test('a change of servers keeps the turns of those that stay', () => {
  const [a, b, c, d] = candidates([1, 1, 1, 1]) as [
    TestCandidate,
    TestCandidate,
    TestCandidate,
    TestCandidate,
  ];
  for (let before = 1; before < 12; before += 1) {
    const balancer = new RoundRobin(repeatable());
    balancer.use([a, b, c]);
    const taken = take(balancer, before).map((index) => [a, b, c][index]);
    const after = [a, b, d];
    balancer.use(after);
    const next = take(balancer, 6).map((index) => after[index]);
    // Facts that change nothing change no turn either: each server is within a turn of the others.
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const all = [...taken, ...next];
      const [mine, its] = [one, other].map((server) => all.filter((each) => each === server).length);
      assert.ok((mine as number) - (its as number) <= 1, `after ${before}`);
    }
    // A server that comes gets its part from the start.
    assert.equal(next.filter((server) => server === d).length, 2, `after ${before}`);
  }
});

test('servers that are set again and again still take turns', () => {
  const servers = candidates([1, 1, 1]);
  const balancer = new RoundRobin(repeatable());
  const counts = [0, 0, 0];
  for (let turn = 0; turn < 300; turn += 1) {
    balancer.use([...servers]);
    const index = balancer.choose(-1);
    counts[index] = (counts[index] as number) + 1;
  }
  assert.deepEqual(counts, [100, 100, 100]);
});
