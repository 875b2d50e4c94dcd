/** Seconds that are visited one by one; after a longer step of the clock all that are kept are searched. */
const MAX_STEP = 3_600;

/**
 * Things by the second in which they are due. A hundred thousand of them need no timer of their own, and a tick costs as
 * much as there are due.
 */
export class Calendar<T> {
  readonly #bySecond = new Map<number, Set<T>>();
  readonly #seconds = new Map<T, number>();
  #next: number;

  /** @param now seconds. */
  constructor(now: number) {
    this.#next = Math.floor(now);
  }

  /** Sets or moves the second in which a thing is due; one that is over is due at the next call of `take`. */
  set(thing: T, second: number): void {
    const at = Math.max(this.#next, Math.ceil(second));
    if (this.#seconds.get(thing) === at) return;
    this.delete(thing);
    this.#seconds.set(thing, at);
    const set = this.#bySecond.get(at);
    if (set === undefined) this.#bySecond.set(at, new Set([thing]));
    else set.add(thing);
  }

  delete(thing: T): void {
    const second = this.#seconds.get(thing);
    if (second === undefined) return;
    this.#seconds.delete(thing);
    const set = this.#bySecond.get(second);
    set?.delete(thing);
    if (set?.size === 0) this.#bySecond.delete(second);
  }

  /** Removes and returns what is due now. */
  take(now: number): readonly T[] {
    const last = Math.floor(now);
    // The clock was set back: what is due by it must not wait for the old time to come again.
    if (last < this.#next - 1) this.#next = last;
    const isFar = last - this.#next > MAX_STEP;
    const seconds = isFar
      ? [...this.#bySecond.keys()].filter((second) => second <= last)
      : Array.from({ length: Math.max(0, last - this.#next + 1) }, (_, index) => this.#next + index);
    const due = seconds.flatMap((second) => [...(this.#bySecond.get(second) ?? [])]);
    for (const thing of due) this.delete(thing);
    this.#next = Math.max(this.#next, last);
    return due;
  }
}
