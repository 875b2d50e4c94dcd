/** Seconds that a listener serves at least for its end not to count as one at the start. */
export const YOUNG_SECONDS = 1;
/** Ends in a row, each at the start, after which a gateway that has never served gives up. */
const HOPELESS = 3;
/** Milliseconds before the next try but one; doubled each time up to the second. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5_000;

/** How often in a row listeners ended before they were of use, and what follows from that. */
export class RestartBackoff {
  #inARow = 0;

  /**
   * One that had served this long has ended. @param hope whether any listener has ever served for a while.
   * @returns milliseconds until the next one is started; undefined when that would lead nowhere.
   */
  after(servedSeconds: number, hope: boolean): number | undefined {
    if (servedSeconds >= YOUNG_SECONDS) this.#inARow = 0;
    else this.#inARow += 1;
    if (this.#inARow >= HOPELESS && !hope) return undefined;
    return this.#inARow <= 1 ? 0 : Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#inARow - 2));
  }
}
