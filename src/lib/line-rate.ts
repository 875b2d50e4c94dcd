import type { Clock } from './clock.ts';

/** Lines of one kind in one span: enough to show a problem, too few to fill a disk. */
const MAX_LINES = 5;
/** Milliseconds of the span. */
const SPAN_MS = 10_000;

/** Limits the log lines that strangers can cause to a few in each span. */
export class LineRate {
  readonly #clock: Clock;
  #since = Number.NEGATIVE_INFINITY;
  #written = 0;
  #leftOut = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined when the line must be left out; otherwise the lines left out since the last one that was written. */
  next(): number | undefined {
    const now = this.#clock.monotonic();
    if (now - this.#since >= SPAN_MS) {
      this.#since = now;
      this.#written = 0;
    }
    if (this.#written >= MAX_LINES) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#written += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
