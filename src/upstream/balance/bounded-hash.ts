import { EMPTY_HASH, hashText, mixBits } from '../../lib/text-hash.ts';
import { type Balancer, type Candidate, NO_KEY } from './balancer.ts';
import { placesOf } from './places.ts';
import { TwoChoices } from './two-choices.ts';

/**
 * How much more than its share of the requests under way a candidate may have: what HAProxy's `hash-balance-factor`
 * calls 125. With less, more keys leave their server under load; with more, one key loads its server more.
 */
const MOST = 1.25;

/** Candidates that are asked in the order of the key, which is the same in every process. */
const PREFERENCES = 4;

/**
 * Candidates that are then drawn at random. At most 1/MOST of all weight can be at its bound, so each draw finds room
 * with a chance of 1 in 5 at least, and so many fail together once in 500 times at worst.
 */
const DRAWS = 28;

/**
 * Loads that are read anew for one choice. So the sum of the loads is exact with as many candidates; with 256, each of
 * its loads was read within the last 16 choices.
 */
const READS = 16;

/**
 * Requests with one key go to one candidate, as long as it has no more than 1.25 times its share of the requests under
 * way; above that, to the next in the order of the key (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with
 * Bounded Loads"). So a key that many requests have, or keys that a client has crafted, overload no server. Requests
 * without a key go to the less loaded of two.
 */
export class BoundedHash implements Balancer {
  readonly #others: TwoChoices;
  readonly #random: () => number;
  readonly #most: number;
  #candidates: readonly Candidate[] = [];
  /** Addresses and weights of the candidates, on which the places depend. */
  #shape = '';
  /** The index of a candidate for each value of a key's low bits. */
  #places = new Uint16Array(1);
  #mask = 0;
  /** The weights of all candidates. */
  #weight = 0;
  /** Each candidate's load when it was last read, and their sum. */
  #loads = new Float64Array(0);
  #sum = 0;
  /** The candidate whose load is read next. */
  #next = 0;

  /**
   * @param random a number from 0, below 1.
   * @param most how much more than its share a candidate may have; Infinity: a key stays whatever the load.
   */
  constructor(random: () => number = Math.random, most = MOST) {
    this.#random = random;
    this.#most = most;
    this.#others = new TwoChoices(random);
  }

  use(candidates: readonly Candidate[]): void {
    this.#others.use(candidates);
    this.#candidates = candidates;
    this.#weight = candidates.reduce((sum, { weight }) => sum + weight, 0);
    this.#place();
    this.#loads = Float64Array.from(candidates, ({ load }) => load);
    this.#sum = this.#loads.reduce((sum, load) => sum + load, 0);
    this.#next = 0;
  }

  choose(avoid: number, key: number): number {
    if (key === NO_KEY || this.#candidates.length === 0) return this.#others.choose(avoid);
    this.#readLoads();
    const places = this.#places;
    /** Requests for each unit of weight, of which a candidate must have fewer. */
    const bound = (this.#most * (this.#sum + 1)) / this.#weight;
    let place = key;
    for (let asked = 0; asked < PREFERENCES; asked += 1) {
      const index = places[place & this.#mask] as number;
      if (this.#takes(index, avoid, bound)) return index;
      place = mixBits(place + 1);
    }
    for (let drawn = 0; drawn < DRAWS; drawn += 1) {
      const index = places[Math.floor(this.#random() * places.length)] as number;
      if (this.#takes(index, avoid, bound)) return index;
    }
    return this.#search(avoid, bound);
  }

  /** Gives each place its candidate: a millisecond among many, so only after a change. */
  #place(): void {
    const shape = this.#candidates.map(({ text, weight }) => `${text} ${weight}`).join('\n');
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#places = placesOf(
      this.#candidates.map(({ text, weight }) => ({ seed: hashText(text, EMPTY_HASH), weight })),
    );
    this.#mask = this.#places.length - 1;
  }

  #takes(index: number, avoid: number, bound: number): boolean {
    const candidate = this.#candidates[index] as Candidate;
    return index !== avoid && candidate.load < bound * candidate.weight && !candidate.full;
  }

  /** Any candidate below its bound; when none of them can take the request, the least loaded that can. */
  #search(avoid: number, bound: number): number {
    const { length } = this.#candidates;
    let index = Math.floor(this.#random() * length);
    for (let seen = 0; seen < length; seen += 1) {
      if (this.#takes(index, avoid, bound)) return index;
      index = index + 1 < length ? index + 1 : 0;
    }
    return this.#others.choose(avoid);
  }

  #readLoads(): void {
    const candidates = this.#candidates;
    const loads = this.#loads;
    const reads = Math.min(READS, candidates.length);
    let at = this.#next;
    for (let read = 0; read < reads; read += 1) {
      const { load } = candidates[at] as Candidate;
      this.#sum += load - (loads[at] as number);
      loads[at] = load;
      at = at + 1 < candidates.length ? at + 1 : 0;
    }
    this.#next = at;
  }
}
