import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_HASH, hashText } from '../../../src/lib/text-hash.ts';
import { NO_KEY } from '../../../src/upstream/balance/balancer.ts';
import { BoundedHash } from '../../../src/upstream/balance/bounded-hash.ts';
import { candidates, repeatable, type TestCandidate } from './candidates.ts';

const keys = Array.from({ length: 20_000 }, (_, index) => hashText(`10.1.${index}`, EMPTY_HASH) >>> 1);

/** The address for each key, of servers without load. */
function placed(servers: readonly TestCandidate[]): string[] {
  const balancer = new BoundedHash(repeatable());
  balancer.use(servers);
  return keys.map((key) => (servers[balancer.choose(-1, key)] as TestCandidate).text);
}

test('a key has the same server in each process, in whatever order the servers are', () => {
  const servers = candidates([1, 2, 1, 1, 3]);
  const before = placed(servers);
  assert.deepEqual(placed([...servers].reverse()), before);
  // A literal: another value would move keys between servers at an upgrade, and between gateways of two versions.
  assert.deepEqual(
    ['', 'alice', 'bob', 'é'].map((text) => hashText(text, EMPTY_HASH) >>> 1),
    [1_436_499_461, 1_406_613_559, 1_006_147_462, 2_056_626_976],
  );
});

test('a server that goes moves its own keys alone, to all others', () => {
  const servers = candidates(new Array<number>(10).fill(1));
  const [gone, ...rest] = servers as [TestCandidate, ...TestCandidate[]];
  const before = placed(servers);
  const after = placed(rest);
  const heirs = new Set<string>();
  before.forEach((text, at) => {
    if (text === gone.text) heirs.add(after[at] as string);
    else assert.equal(after[at], text);
  });
  assert.equal(heirs.size, 9);
});

test('a server that comes, or gets more weight, takes keys and moves none between others', () => {
  const servers = candidates([1, 1, 1, 1]);
  const before = placed(servers);
  const heavier = servers.map((server, index) => (index === 0 ? { ...server, weight: 3 } : server));
  for (const [more, taker, part] of [
    [candidates([1, 1, 1, 1, 1]), 4, 1 / 5],
    [heavier, 0, 1 / 4],
  ] as const) {
    const after = placed(more);
    const moved = after.filter((text, at) => text !== before[at]);
    assert.deepEqual(new Set(moved), new Set([more[taker]?.text]));
    assert.ok(Math.abs(moved.length / keys.length - part) < 0.02, `${moved.length}`);
  }
});

test('256 servers have nearly equal parts', () => {
  const counts = new Map<string, number>();
  for (const text of placed(candidates(new Array<number>(256).fill(1)))) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  assert.equal(counts.size, 256);
  for (const count of counts.values()) assert.ok(count < 2 * (keys.length / 256), `${count}`);
});

/** Requests come and go at random, and each choice must keep the bound. Returns the part that the first choice got. */
function hold(servers: readonly TestCandidate[], keyOf: (request: number) => number): void {
  const random = repeatable();
  const balancer = new BoundedHash(random);
  balancer.use(servers);
  const weight = servers.reduce((sum, one) => sum + one.weight, 0);
  const under: TestCandidate[] = [];
  for (let request = 0; request < 20_000; request += 1) {
    const wanted = request % 2_000 < 1_000 ? 400 : 10;
    while (under.length > 0 && (under.length > wanted || random() < 0.3)) {
      const [ended] = under.splice(Math.floor(random() * under.length), 1);
      (ended as TestCandidate).load -= 1;
    }
    const server = servers[balancer.choose(-1, keyOf(request))] as TestCandidate;
    server.load += 1;
    under.push(server);
    const most = Math.ceil((1.25 * under.length * server.weight) / weight);
    assert.ok(server.load <= most, `request ${request}: ${server.load} of ${most}`);
  }
}

test('no server has more than 1.25 times its share, whatever keys the requests have', () => {
  for (const weights of [[1, 1], [1, 1, 1], [5, 1, 2, 1], new Array<number>(16).fill(1)]) {
    hold(candidates(weights), () => 17);
    hold(candidates(weights), (request) => keys[request % 3] as number);
    hold(candidates(weights), (request) => keys[request % keys.length] as number);
  }
});

test('a key that all requests have loads 256 servers alike', () => {
  const servers = candidates(new Array<number>(256).fill(1));
  const balancer = new BoundedHash(repeatable());
  balancer.use(servers);
  for (let request = 0; request < 25_600; request += 1) {
    (servers[balancer.choose(-1, 17)] as TestCandidate).load += 1;
  }
  // The sum of the loads is that of at most 16 choices ago, which makes the bound smaller.
  for (const { load } of servers) assert.ok(load <= 125, `${load}`);
});

test('a key whose server has too much goes to its next one, in every process', () => {
  const servers = candidates([1, 1, 1, 1, 1]);
  const next = (seed: number): number => {
    const balancer = new BoundedHash(() => seed);
    balancer.use(servers);
    return balancer.choose(-1, 17);
  };
  const first = servers[next(0)] as TestCandidate;
  first.load = 100;
  const others = [0, 0.2, 0.5, 0.9].map(next);
  assert.equal(new Set(others).size, 1);
  assert.notEqual(servers[others[0] as number], first);
  first.load = 0;
  assert.equal(servers[next(0)], first);
});

test('a key stays with its server without a bound, whatever the load, unless the server takes nothing', () => {
  const servers = candidates([1, 1, 1]);
  const balancer = new BoundedHash(repeatable(), Number.POSITIVE_INFINITY);
  balancer.use(servers);
  for (const key of keys.slice(0, 300)) {
    const own = servers[balancer.choose(-1, key)] as TestCandidate;
    own.load += 1000;
    assert.equal(servers[balancer.choose(-1, key)], own);
    assert.notEqual(servers[balancer.choose(servers.indexOf(own), key)], own);
    own.full = true;
    assert.notEqual(servers[balancer.choose(-1, key)], own);
    own.full = false;
    own.load = 0;
  }
});

test('a request without a key goes to the less loaded server', () => {
  const servers = candidates([1, 1]);
  (servers[0] as TestCandidate).load = 1;
  const balancer = new BoundedHash(repeatable());
  balancer.use(servers);
  for (let count = 0; count < 100; count += 1) assert.equal(balancer.choose(-1, NO_KEY), 1);
});
