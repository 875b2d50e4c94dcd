import type { Timers } from '../../src/lib/timers.ts';

/** One timer at a time, which a test fires by hand. */
export class HandTimers implements Timers {
  #armed: (() => void) | undefined;
  #onArmed: () => void = () => {};

  after(_ms: number, run: () => void): () => void {
    this.#armed = run;
    this.#onArmed();
    return () => {
      this.#armed = undefined;
    };
  }

  get isArmed(): boolean {
    return this.#armed !== undefined;
  }

  /** Fires the timer, and waits until the next one is set. */
  async fire(): Promise<void> {
    const run = this.#armed;
    if (run === undefined) throw new Error('no timer is set');
    this.#armed = undefined;
    const next = new Promise<void>((resolve) => {
      this.#onArmed = resolve;
    });
    run();
    await next;
  }
}
