import type { Clock } from '../lib/clock.ts';
import type { RevocationList } from './revocation-list.ts';

/** Milliseconds by which the wall clock may gain on the monotonic clock between two ticks before it counts as set. */
const STEP_MS = 10_000;
/** Milliseconds without a sweep after that: enough time to set the clock back. */
const STEP_PAUSE_MS = 600_000;

/** Sweeps ended revocations out of the list, unless the wall clock has just been set forward. */
export class Sweeper {
  readonly #list: RevocationList;
  readonly #clock: Clock;
  /** Wall clock minus monotonic clock at the last tick, in milliseconds. */
  #offset = Number.POSITIVE_INFINITY;
  #sweepAt = 0;

  constructor(list: RevocationList, clock: Clock) {
    this.#list = list;
    this.#clock = clock;
  }

  /** Sweeps if that is due. Must be called about once a second. */
  tick(): void {
    const now = this.#clock.monotonic();
    const offset = this.#clock.wall() - now;
    // A clock set forward by mistake is set back later. Tokens then are alive again, and need their revocations.
    if (offset > this.#offset + STEP_MS) this.#sweepAt = now + STEP_PAUSE_MS;
    this.#offset = offset;
    if (now >= this.#sweepAt) this.#list.sweep(this.#clock.wall() / 1000);
  }
}
