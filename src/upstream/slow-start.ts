import type { Timers } from '../lib/timers.ts';

/** Steps from the first requests to the whole weight. Each one makes balancers count weights anew. */
const STEPS = 10;

/** The time in which a server that comes back gets more and more requests: it may have cold caches and no connections. */
export class SlowStart {
  /** The part of its weight that a server has, from a tenth to 1. */
  share = 1;
  #cancel = (): void => {};
  readonly #timers: Timers;
  readonly #onStep: () => void;

  /** @param onStep called when `share` has grown. */
  constructor(timers: Timers, onStep: () => void) {
    this.#timers = timers;
    this.#onStep = onStep;
  }

  /** Begins anew. */
  begin(ms: number): void {
    this.#cancel();
    this.#go(1, ms / STEPS);
  }

  /** The server has its whole weight, without a call of `onStep`. */
  stop(): void {
    this.#cancel();
    this.share = 1;
  }

  #go(step: number, everyMs: number): void {
    this.share = step / STEPS;
    if (step === STEPS) return;
    this.#cancel = this.#timers.after(everyMs, () => {
      this.#go(step + 1, everyMs);
      this.#onStep();
    });
  }
}
