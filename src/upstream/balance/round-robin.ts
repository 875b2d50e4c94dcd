import type { Balancer, Candidate } from './balancer.ts';

/** Candidates that are skipped one by one before all of them are searched. */
const MAX_SKIPS = 8;

/**
 * Each candidate in turn, those of more weight more often and evenly spread, as nginx spreads them. Each one is due
 * again 1/weight later than the last time, and the one that is due first is chosen. So a choice among many reads a few
 * of them, where nginx reads all. A candidate that is full loses its turn, and does not catch up.
 */
export class RoundRobin implements Balancer {
  readonly #random: () => number;
  #candidates: readonly Candidate[] = [];
  /** When each candidate is due. Even after 10^12 turns a number is exact to less than a thousandth of a turn. */
  #due = new Float64Array(0);
  /** Indexes of candidates as a heap: none is due before the one at half its place. */
  #heap = new Uint16Array(0);
  /** When the last choice was due. */
  #now = 0;

  /** @param random a number from 0, below 1: many gateways that start together do not all begin with one server. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** A candidate that stays keeps its turn, and a new one gets its first turn within one round. */
  use(candidates: readonly Candidate[]): void {
    const turns = new Map(
      this.#candidates.map((candidate, index) => [candidate, this.#due[index] as number]),
    );
    this.#candidates = candidates;
    this.#due = Float64Array.from(candidates, (candidate) => {
      const { weight } = candidate;
      const latest = this.#now + 1 / weight;
      return Math.min(latest, turns.get(candidate) ?? this.#now + this.#random() / weight);
    });
    const due = this.#due;
    const order = Uint16Array.from(candidates.keys());
    this.#heap = order.sort((a, b) => (due[a] as number) - (due[b] as number));
  }

  choose(avoid: number): number {
    const candidates = this.#candidates;
    if (candidates.length === 0) return -1;
    for (let skips = 0; skips < MAX_SKIPS; skips += 1) {
      const first = this.#heap[0] as number;
      this.#now = this.#due[first] as number;
      this.#due[first] = this.#now + 1 / (this.#candidates[first] as Candidate).weight;
      this.#sink(0);
      if (first !== avoid && !(candidates[first] as Candidate).full) return first;
    }
    return this.#search(avoid);
  }

  /** Of all candidates that can take a request, the one that is due first. All that are due before it lose their turns. */
  #search(avoid: number): number {
    const candidates = this.#candidates;
    const due = this.#due;
    let best = -1;
    let soonest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < due.length; index += 1) {
      const its = due[index] as number;
      if (its >= soonest || index === avoid || (candidates[index] as Candidate).full) continue;
      best = index;
      soonest = its;
    }
    if (best < 0) return avoid >= 0 && candidates[avoid]?.full === false ? avoid : -1;
    this.#now = soonest;
    for (let index = 0; index < due.length; index += 1) {
      const its = due[index] as number;
      const { weight } = candidates[index] as Candidate;
      if (index === best) due[index] = its + 1 / weight;
      else if (its < soonest) due[index] = its + Math.ceil((soonest - its) * weight) / weight;
    }
    for (let place = due.length >> 1; place >= 0; place -= 1) this.#sink(place);
    return best;
  }

  /** Puts the candidate at a place of the heap behind those below that are due before it. */
  #sink(place: number): void {
    const heap = this.#heap;
    const due = this.#due;
    const index = heap[place] as number;
    const its = due[index] as number;
    let at = place;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = below + 1;
      if (
        right < heap.length &&
        (due[heap[right] as number] as number) < (due[heap[below] as number] as number)
      )
        below = right;
      const other = heap[below] as number;
      if ((due[other] as number) >= its) break;
      heap[at] = other;
      at = below;
    }
    heap[at] = index;
  }
}
