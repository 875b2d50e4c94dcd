import type { Clock } from '../../src/lib/clock.ts';
import type { Timers } from '../../src/lib/timers.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock and timers that stand still until a test lets time pass. */
export class VirtualTime {
  #now = 0;
  readonly #timers = new Set<Timer>();
  readonly clock: Clock = { wall: () => this.#now, monotonic: () => this.#now };
  readonly timers: Timers = {
    after: (ms, run) => {
      const timer = { at: this.#now + ms, run };
      this.#timers.add(timer);
      return () => void this.#timers.delete(timer);
    },
  };

  get now(): number {
    return this.#now;
  }

  /** Timers that are set. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Lets this time pass; timers run at their time, and what they start goes on before the next one. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }
}

/** Resolves when everything has run that waits for no timer and no byte. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
