/** Figures of all tunnels of a soak. */
export class TunnelTally {
  #open = 0;
  /** The most that were open at a time. */
  most = 0;
  /** Tunnels that ended with their token, and milliseconds from its end to theirs, in sum and at most. */
  expired = 0;
  lateMs = 0;
  latestMs = 0;

  /** Open now. */
  get open(): number {
    return this.#open;
  }

  set open(count: number) {
    this.#open = count;
    this.most = Math.max(this.most, count);
  }

  noteExpiry(ms: number): void {
    this.expired += 1;
    this.lateMs += ms;
    this.latestMs = Math.max(this.latestMs, ms);
  }

  /** For the report. */
  get lines(): readonly string[] {
    const mean = this.expired === 0 ? 0 : this.lateMs / this.expired;
    return [
      `${this.most} open at a time`,
      `${this.expired} ended with their token, ${mean.toFixed(0)} ms after it in the mean, ${this.latestMs.toFixed(0)} ms at most`,
    ];
  }
}
