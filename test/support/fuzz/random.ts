/** Numbers that look random and are the same for the same seed. */
export class Random {
  #state: number;

  /** @param seed an integer; its lowest 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** An integer from 0 to below `limit`, which is at most 2^32. */
  below(limit: number): number {
    // A Weyl sequence with two rounds of mixing by multiplication, after the "splitmix" family.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return Math.floor(((mixed >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
