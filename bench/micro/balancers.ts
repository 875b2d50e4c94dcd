import { mixBits } from '../../src/lib/text-hash.ts';
import type { Balancer } from '../../src/upstream/balance/balancer.ts';
import { BoundedHash } from '../../src/upstream/balance/bounded-hash.ts';
import { RoundRobin } from '../../src/upstream/balance/round-robin.ts';
import { TwoChoices } from '../../src/upstream/balance/two-choices.ts';
import { compare } from './timing.ts';

// The choice of a server. Each choice adds a request to the chosen server, and ends one that began before; baseline:
// the server at a random index.

const CALLS = 300_000;

/** Requests under way for each server. */
const EACH = 4;

class Server {
  readonly text: string;
  readonly weight: number;
  load = 0;

  constructor(index: number) {
    this.text = `10.0.0.${index}:8080`;
    this.weight = 1 + (index % 3);
  }

  get full(): boolean {
    return this.load >= 10_000;
  }
}

/** A key for each request that follows. */
const each = (): (() => number) => {
  let key = 0;
  return () => {
    key = mixBits(key + 1);
    return key >>> 1;
  };
};

function working(balancer: Balancer | undefined, count: number, keys: () => number): () => number {
  const servers = Array.from({ length: count }, (_, index) => new Server(index));
  balancer?.use(servers);
  const under = new Uint16Array(EACH * count);
  for (const server of servers) server.load = EACH;
  under.forEach((_, at) => {
    under[at] = at % count;
  });
  let at = 0;
  return () => {
    const ended = servers[under[at] as number] as Server;
    ended.load -= 1;
    const index = balancer === undefined ? Math.floor(Math.random() * count) : balancer.choose(-1, keys());
    (servers[index] as Server).load += 1;
    under[at] = index;
    at = at + 1 < under.length ? at + 1 : 0;
    return index;
  };
}

const one = (): number => 17;

for (const count of [1, 3, 16, 256]) {
  compare(`one of ${count} servers`, CALLS, {
    'a random index': working(undefined, count, each()),
    'least connections (two choices)': working(new TwoChoices(), count, each()),
    'round robin': working(new RoundRobin(), count, each()),
    'hash, a key for each request': working(new BoundedHash(), count, each()),
    'hash, one key for all requests': working(new BoundedHash(), count, one),
  });
}

const many = Array.from({ length: 256 }, (_, index) => new Server(index));
for (const count of [3, 256]) {
  const hash = new BoundedHash();
  const [some, others] = [many.slice(0, count), many.slice(1, count)];
  let swap = false;
  compare(`a change of ${count} servers`, 20, {
    hash: () => {
      swap = !swap;
      hash.use(swap ? some : others);
      return hash.choose(-1, 17);
    },
  });
}
