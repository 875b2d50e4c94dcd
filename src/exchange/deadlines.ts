import type { Clock } from '../lib/clock.ts';
import type { Enrolled, Roster } from '../lib/roster.ts';

/**
 * Milliseconds between two reviews of all exchanges in flight, so that a request costs no timer. An exchange that ends
 * between two reviews is never reviewed; no time-out of a whole request needs to be finer.
 */
const REVIEW_MS = 250;

/** An exchange in flight, which may take too long. */
export interface Reviewed extends Enrolled {
  /** @param now monotonic milliseconds. */
  review(now: number): void;
}

/** Reviews all exchanges in flight several times a second. */
export class Deadlines {
  readonly #inFlight: Roster<Reviewed>;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;

  constructor(inFlight: Roster<Reviewed>, clock: Clock) {
    this.#inFlight = inFlight;
    this.#clock = clock;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#review(), REVIEW_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #review(): void {
    const now = this.#clock.monotonic();
    for (const one of this.#inFlight.all()) one.review(now);
  }
}
