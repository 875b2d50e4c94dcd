/**
 * Milliseconds that a request body may fall behind its rate: enough for a network that loses a few packets in a row (TCP
 * waits 1, 2 and 4 s before it sends them again).
 */
const GRACE_MS = 10_000;

/**
 * Judges whether a request body comes fast enough. Every byte buys its sender time, but never more than the grace, so a
 * fast start does not pay for trickling later.
 */
export class BodyRate {
  readonly #bytesPerSecond: number;
  #timeLeft = GRACE_MS;
  #at: number;
  #bytes = 0;

  /** @param bytesPerSecond 0: any rate will do. @param startedAt milliseconds of the clock that `keeps` gets. */
  constructor(bytesPerSecond: number, startedAt: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#at = startedAt;
  }

  /**
   * Reviews the body; to be called at intervals until it ends.
   * @param bytes received altogether.
   * @param excused the gateway wanted no bytes for a part of the time since the last call, so that time does not count.
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
