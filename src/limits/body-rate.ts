/**
 * Milliseconds that a request body may fall behind its rate: enough for a network that loses a few packets in a row (TCP
 * waits 1, 2 and 4 s before it sends them again).
 */
const GRACE_MS = 10_000;

/**
 * Judges whether a request body arrives fast enough. Every byte buys its sender time, but never more than the grace, so a
 * fast start does not pay for trickling later.
 */
export class BodyRate {
  readonly #bytesPerSecond: number;
  #timeLeft = GRACE_MS;
  #at: number;
  #bytes = 0;

  /** @param bytesPerSecond 0 for any rate. @param startedAt milliseconds of the clock that `keeps` gets. */
  constructor(bytesPerSecond: number, startedAt: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#at = startedAt;
  }

  /**
   * Reviews the body. Must be called at intervals until the body ends.
   * @param bytes received in total.
   * @param excused the gateway paused the body since the last call, so that time does not count.
   * @returns false when the body is too slow.
   */
  keeps(now: number, bytes: number, excused: boolean): boolean {
    const elapsed = now - this.#at;
    const bought = this.#bytesPerSecond === 0 ? 0 : ((bytes - this.#bytes) * 1000) / this.#bytesPerSecond;
    this.#at = now;
    this.#bytes = bytes;
    if (excused || this.#bytesPerSecond === 0) return true;
    this.#timeLeft = Math.min(GRACE_MS, this.#timeLeft - elapsed + bought);
    return this.#timeLeft > 0;
  }
}
