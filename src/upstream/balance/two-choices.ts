import type { Balancer, Candidate } from './balancer.ts';

/**
 * The less loaded of two candidates, which are drawn at random by weight (Mitzenmacher, "The Power of Two Choices in
 * Randomized Load Balancing"). Unlike a search for the least loaded of all, many gateways that see a server become idle
 * at the same time do not all choose that server.
 */
export class TwoChoices implements Balancer {
  readonly #random: () => number;
  #candidates: readonly Candidate[] = [];
  /** The sum of the weights up to each candidate. */
  #sums: readonly number[] = [];
  #total = 0;

  /** @param random a number from 0, below 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  use(candidates: readonly Candidate[]): void {
    let total = 0;
    this.#sums = candidates.map(({ weight }) => {
      total += weight;
      return total;
    });
    this.#total = total;
    this.#candidates = candidates;
  }

  choose(avoid: number): number {
    const candidates = this.#candidates;
    if (candidates.length === 0) return -1;
    const first = this.#draw();
    let second = this.#draw();
    if (second === first) second = first + 1 < candidates.length ? first + 1 : 0;
    const a = candidates[first] as Candidate;
    const b = candidates[second] as Candidate;
    // The first wins a tie, so that candidates without load are chosen by their weights.
    const chosen = b.load * a.weight < a.load * b.weight ? second : first;
    return chosen === avoid || a.full || b.full ? this.#search(avoid) : chosen;
  }

  #draw(): number {
    const point = this.#random() * this.#total;
    const sums = this.#sums;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The least loaded of all candidates that can take a request. It begins anywhere, so that ties are spread. */
  #search(avoid: number): number {
    const candidates = this.#candidates;
    let best = -1;
    let index = this.#draw();
    for (let seen = 0; seen < candidates.length; seen += 1) {
      const one = candidates[index] as Candidate;
      const known = candidates[best];
      const better = known === undefined || one.load * known.weight < known.load * one.weight;
      if (!one.full && index !== avoid && better) best = index;
      index = index + 1 < candidates.length ? index + 1 : 0;
    }
    if (best >= 0 || avoid < 0) return best;
    return candidates[avoid]?.full === false ? avoid : -1;
  }
}
