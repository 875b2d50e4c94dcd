/** Slots of a new table; it grows with its keys. */
const FIRST_SLOTS = 1024;
/** Keys per slot, at most: with more, a key is found only after many steps. */
const LOAD = 0.75;
/** Keys that are looked at to find one to forget. */
const SAMPLE = 8;
/** Marks a slot without a key; no key is 0. */
const NONE = 0;

/**
 * Until when each key has used its requests up: its theoretical arrival time (ATM Forum TM 4.0, the generic cell rate
 * algorithm), in monotonic milliseconds. A key whose time is over has used nothing. Open addressing in typed arrays: 27
 * to 53 bytes a key, and no text of a request.
 */
export class RateTable {
  readonly #most: number;
  #keys = new Float64Array(FIRST_SLOTS);
  #until = new Float64Array(FIRST_SLOTS);
  /** Requests of each key that the other processes do not know of. */
  #unsaid = new Float32Array(FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #size = 0;
  /** Where the search for a key to forget goes on. */
  #hand = 0;
  /**
   * The latest time of a forgotten key. A new key may be a forgotten one, so it begins there: no key gains by being
   * forgotten, and a flood of keys frees none.
   */
  #floor = Number.NEGATIVE_INFINITY;

  /** @param most keys at one time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Keys in the table; some of them may have used nothing. */
  get size(): number {
    return this.#size;
  }

  /** The time of a key: `now` or later. */
  until(key: number, now: number): number {
    const slot = this.#slotOf(key);
    const until = this.#keys[slot] === key ? (this.#until[slot] as number) : this.#floor;
    return until > now ? until : now;
  }

  /** Sets the time of a key. Adds `unsaid` to what other processes do not know. @returns what they do not know now. */
  set(key: number, until: number, unsaid: number, now: number): number {
    let slot = this.#slotOf(key);
    if (this.#keys[slot] !== key) {
      if (this.#size >= this.#most) {
        this.#forgetOne(now);
        slot = this.#slotOf(key);
      } else if (this.#size >= this.#keys.length * LOAD) {
        this.#grow(now);
        slot = this.#slotOf(key);
      }
      this.#keys[slot] = key;
      this.#unsaid[slot] = 0;
      this.#size += 1;
    }
    this.#until[slot] = until;
    const sum = (this.#unsaid[slot] as number) + unsaid;
    this.#unsaid[slot] = sum;
    return sum;
  }

  /** What other processes do not know of a key; they are about to. */
  takeUnsaid(key: number): number {
    const slot = this.#slotOf(key);
    if (this.#keys[slot] !== key) return 0;
    const unsaid = this.#unsaid[slot] as number;
    this.#unsaid[slot] = 0;
    return unsaid;
  }

  /** Calls `take` with each key that has used something, and the milliseconds until it has not. */
  each(now: number, take: (key: number, left: number) => void): void {
    for (const [slot, key] of this.#keys.entries()) {
      const left = (this.#until[slot] as number) - now;
      if (key !== NONE && left > 0) take(key, left);
    }
  }

  /** The slot of a key, or the one where it would be. */
  #slotOf(key: number): number {
    const keys = this.#keys;
    const mask = this.#mask;
    let slot = key & mask;
    while (keys[slot] !== key && keys[slot] !== NONE) slot = (slot + 1) & mask;
    return slot;
  }

  /** Forgets a key that has used nothing, or of a few the one that has used the least. */
  #forgetOne(now: number): void {
    let least = -1;
    for (let seen = 0; seen < SAMPLE; ) {
      this.#hand = (this.#hand + 1) & this.#mask;
      if (this.#keys[this.#hand] === NONE) continue;
      seen += 1;
      if (least < 0 || (this.#until[this.#hand] as number) < (this.#until[least] as number))
        least = this.#hand;
      if ((this.#until[least] as number) <= now) break;
    }
    this.#floor = Math.max(this.#floor, this.#until[least] as number);
    this.#remove(least);
  }

  /** Removes a key, and moves those behind it up that a search would not find any more (Knuth, TAOCP 6.4, R). */
  #remove(slot: number): void {
    const keys = this.#keys;
    const mask = this.#mask;
    let hole = slot;
    for (let at = (slot + 1) & mask; keys[at] !== NONE; at = (at + 1) & mask) {
      const home = (keys[at] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = keys[at] as number;
      this.#until[hole] = this.#until[at] as number;
      this.#unsaid[hole] = this.#unsaid[at] as number;
      hole = at;
    }
    keys[hole] = NONE;
    this.#size -= 1;
  }

  /** Doubles the slots, unless enough keys have used nothing. */
  #grow(now: number): void {
    const [keys, until, unsaid] = [this.#keys, this.#until, this.#unsaid];
    let live = 0;
    for (const [slot, key] of keys.entries()) if (key !== NONE && (until[slot] as number) > now) live += 1;
    const slots = live > (keys.length * LOAD) / 2 ? keys.length * 2 : keys.length;
    this.#keys = new Float64Array(slots);
    this.#until = new Float64Array(slots);
    this.#unsaid = new Float32Array(slots);
    this.#mask = slots - 1;
    this.#size = live;
    for (const [slot, key] of keys.entries()) {
      if (key === NONE || (until[slot] as number) <= now) continue;
      const to = this.#slotOf(key);
      this.#keys[to] = key;
      this.#until[to] = until[slot] as number;
      this.#unsaid[to] = unsaid[slot] as number;
    }
  }
}
