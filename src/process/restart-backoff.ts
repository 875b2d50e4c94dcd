/** Seconds of service below which the end of a worker counts as a failed start. */
const YOUNG_SECONDS = 1;
/** Failed starts in a row after which a gateway gives up, unless a worker has served for YOUNG_SECONDS before. */
const MAX_FAILED_STARTS = 3;
/** Milliseconds before the start that follows two failed starts; doubled each time up to the last. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5_000;

/** Decides when a worker that ended is replaced, by the number of failed starts in a row. */
export class RestartBackoff {
  #failedStarts = 0;
  /** Some worker has served for YOUNG_SECONDS. */
  #hasServed = false;
  readonly #timers = new Set<NodeJS.Timeout>();

  /**
   * A worker has ended. @param served seconds for which it had served. @param others the same of all living workers.
   * @returns milliseconds until the next start; undefined when another start is useless.
   */
  after(served: number, others: readonly number[]): number | undefined {
    this.#hasServed ||= [served, ...others].some((seconds) => seconds >= YOUNG_SECONDS);
    if (served >= YOUNG_SECONDS) this.#failedStarts = 0;
    else this.#failedStarts += 1;
    const failed = this.#failedStarts;
    if (failed >= MAX_FAILED_STARTS && !this.#hasServed) return undefined;
    return failed <= 1 ? 0 : Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failed - 2));
  }

  /** Resolves after `ms` milliseconds; never, if `stop` is called before. */
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
