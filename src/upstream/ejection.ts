import type { Clock } from '../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';
import type { DownCause, Ejected } from './server-report.ts';

/** Milliseconds of an ejection at most, unless the first one is longer. Envoy has the same bound. */
const MAX_MS = 300_000;

/**
 * The failures in a row of one server, and the time for which they keep requests away from it. A server that comes back
 * keeps its failures until it answers, so that the next failure ejects it again.
 */
export class Ejection {
  /** Attempts that failed since the last one that succeeded. */
  failures = 0;
  #now: Ejected | undefined;
  #times = 0;
  /** Monotonic milliseconds of the end of the last one. */
  #endedAt = 0;
  #cancel = (): void => {};
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onEnd: () => void;

  constructor(clock: Clock, timers: Timers, onEnd: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onEnd = onEnd;
  }

  /** Undefined: the server is not ejected. */
  get now(): Ejected | undefined {
    return this.#now;
  }

  /**
   * Begins one. The nth in a row takes n times `baseMs`; for each `baseMs` that the server was back, n is one less, as
   * in Envoy.
   */
  begin(cause: DownCause, baseMs: number): void {
    if (this.#now !== undefined) return;
    const forgiven = Math.floor((this.#clock.monotonic() - this.#endedAt) / baseMs);
    this.#times = Math.max(0, this.#times - forgiven) + 1;
    const ms = Math.min(baseMs * this.#times, Math.max(baseMs, MAX_MS));
    this.#now = { until: this.#clock.wall() + ms, cause, times: this.#times };
    this.#cancel = this.#timers.after(ms, () => this.end());
  }

  /** Ends it before its time. */
  end(): void {
    if (this.#now === undefined) return;
    this.#now = undefined;
    this.#endedAt = this.#clock.monotonic();
    this.#cancel();
    this.#onEnd();
  }

  /** The server is forgotten. */
  close(): void {
    this.#now = undefined;
    this.#cancel();
  }
}
