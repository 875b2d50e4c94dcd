/** Seconds that a worker must have served for its end not to count as one at the start. */
const YOUNG_SECONDS = 1;
/** Ends in a row, each at the start, after which a gateway of which no worker has served for a while gives up. */
const HOPELESS = 3;
/** Milliseconds before the next start but one; doubled each time up to the second. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5_000;

/** Decides when the next worker is started in the place of one that ended, by how many ended at their start in a row. */
export class RestartBackoff {
  #inARow = 0;
  /** A worker has served for a while. */
  #hope = false;
  readonly #timers = new Set<NodeJS.Timeout>();

  /**
   * A worker has ended. @param served for how many seconds it had served. @param others the same of all that live.
   * @returns milliseconds until the next start; undefined when another start is useless.
   */
  after(served: number, others: readonly number[]): number | undefined {
    this.#hope ||= [served, ...others].some((seconds) => seconds >= YOUNG_SECONDS);
    if (served >= YOUNG_SECONDS) this.#inARow = 0;
    else this.#inARow += 1;
    if (this.#inARow >= HOPELESS && !this.#hope) return undefined;
    return this.#inARow <= 1 ? 0 : Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#inARow - 2));
  }

  /** Resolves after so many milliseconds, or never when `stop` comes before. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
