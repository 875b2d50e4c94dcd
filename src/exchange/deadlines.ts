import type { Clock } from '../lib/clock.ts';
import type { Enrolled, Roster } from '../lib/roster.ts';

/**
 * Milliseconds between two looks at everything in flight, so that a request costs no timer. An exchange that ends
 * between two looks is never looked at; no time-out of a whole request needs to be finer.
 */
const REVIEW_MS = 250;
/**
 * Looks from one postponement of the engine's time-out to the next, every 4 s: the engine's takes 8 s at least, and
 * a postponement costs two system calls.
 */
const POSTPONE_EVERY = 16;

/** Something in flight that may take too long. */
export interface Reviewed extends Enrolled {
  /** @param now monotonic milliseconds. @param postpone put the engine's own time-out off, unless it is deserved. */
  review(now: number, postpone: boolean): void;
}

/** Looks again and again at everything in flight. */
export class Deadlines {
  private readonly inFlight: Roster<Reviewed>;
  private readonly clock: Clock;
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;

  constructor(inFlight: Roster<Reviewed>, clock: Clock) {
    this.inFlight = inFlight;
    this.clock = clock;
  }

  start(): void {
    this.timer ??= setInterval(() => this.look(), REVIEW_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    this.looks += 1;
    const postpone = this.looks % POSTPONE_EVERY === 0;
    const now = this.clock.monotonic();
    for (const one of this.inFlight.all()) one.review(now, postpone);
  }
}
