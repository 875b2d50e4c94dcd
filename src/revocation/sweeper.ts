import type { Clock } from '../lib/clock.ts';
import type { RevocationList } from './revocation-list.ts';

/** Milliseconds by which the wall clock may gain on the monotonic one between two looks before it counts as set. */
const STEP_MS = 10_000;
/** Milliseconds for which nothing is forgotten after that: enough to set it back. */
const STEP_PATIENCE_MS = 600_000;

/** Has the list forget what has ended, unless the wall clock has just been set forward. */
export class Sweeper {
  readonly #list: RevocationList;
  readonly #clock: Clock;
  /** Wall clock less monotonic one at the last look, in milliseconds. */
  #offset = Number.POSITIVE_INFINITY;
  #sweepAt = 0;

  constructor(list: RevocationList, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  /** To be called again and again, about once a second. */
  tick(): void {
    const now = this.#clock.monotonic();
    const offset = this.#clock.wall() - now;
    // A clock that was set forward by mistake is set back, and tokens live again whose revocation were forgotten.
    if (offset > this.#offset + STEP_MS) this.#sweepAt = now + STEP_PATIENCE_MS;
    this.#offset = offset;
    if (now >= this.#sweepAt) this.#list.sweep(this.#clock.wall() / 1000);
  }
}
