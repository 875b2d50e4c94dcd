/**
 * Milliseconds that a request body may fall behind its rate. Long enough for a network that loses a few packets in a
 * row (TCP waits 1, 2 and 4 s before it sends them again), and as long as the engine's own time-outs.
 */
const GRACE_MS = 10_000;

/**
 * Judges whether the body of a request comes fast enough. Every byte buys its sender time, but never more than the
 * grace: what came fast in the beginning does not pay for trickling later.
 */
export class BodyRate {
  private readonly bytesPerSecond: number;
  private patience = GRACE_MS;
  private at: number;
  private bytes = 0;
  private bytesThen = 0;

  /** @param bytesPerSecond 0: any rate will do. @param startedAt milliseconds of the clock that `keeps` is told. */
  constructor(bytesPerSecond: number, startedAt: number) {
    this.bytesPerSecond = bytesPerSecond;
    this.at = startedAt;
  }

  /**
   * Called again and again while the body is under way.
   * @param bytes how many have come altogether.
   * @param excused no bytes were wanted since the last call, at least for a part of that time, so it does not count.
   * @returns false when the body is too slow.
   */
  keeps(now: number, bytes: number, excused: boolean): boolean {
    const elapsed = now - this.at;
    const bought = this.bytesPerSecond === 0 ? 0 : ((bytes - this.bytes) * 1000) / this.bytesPerSecond;
    this.at = now;
    this.bytes = bytes;
    if (excused || this.bytesPerSecond === 0) return true;
    this.patience = Math.min(GRACE_MS, this.patience - elapsed + bought);
    return this.patience > 0;
  }

  /**
   * Whether the engine's own time-out should be put off: while there is a rate to keep, that alone decides;
   * otherwise only for a client that has sent something since the last call.
   */
  deservesTime(): boolean {
    const moved = this.bytes > this.bytesThen;
    this.bytesThen = this.bytes;
    return moved || this.bytesPerSecond > 0;
  }
}
