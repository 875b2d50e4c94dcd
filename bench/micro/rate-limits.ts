import { KeyedHash } from '../../src/lib/keyed-hash.ts';
import { mixBits } from '../../src/lib/text-hash.ts';
import { RateLimit } from '../../src/limits/rate-limit.ts';
import { compare } from './timing.ts';

// What a limit on the rate costs a request, without the clock; baseline: the next of the keys.

const CALLS = 500_000;

/** Below the keys that a limit counts, and more than caches hold. */
const KEYS = 50_000;

const hash = new KeyedHash([1, 2]);
const addresses = Array.from({ length: KEYS }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
const hashes = addresses.map((address) => hash.of(address));

function working(count: number, keyOf: (at: number) => number, limit?: RateLimit): () => number {
  let at = 0;
  let now = 0;
  return () => {
    at = (mixBits(at + 1) >>> 0) % count;
    const key = keyOf(at);
    if (limit === undefined) return key;
    now += 0.01;
    const wait = limit.wait(key, now, 1);
    if (wait > 0) return wait;
    limit.take(key, now, 1);
    return 0;
  };
}

const limit = (amount: number): RateLimit =>
  new RateLimit({ name: 'one', amount, periodMs: 1000, burst: 1000, keys: 100_000 }, 1);
const hashOf = (at: number): number => hashes[at] as number;

compare('One request', CALLS, {
  'the key alone': working(KEYS, hashOf),
  'a claim, whose hash the token has': working(KEYS, hashOf, limit(100)),
  'one claim for all, let in': working(1, hashOf, limit(1_000_000)),
  'one claim for all, refused': working(1, hashOf, limit(1)),
  'an address, hashed each time': working(KEYS, (at) => hash.of(addresses[at] as string), limit(100)),
});
