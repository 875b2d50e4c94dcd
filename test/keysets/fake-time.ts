import type { Clock } from '../../src/lib/clock.ts';
import type { Timers } from '../../src/lib/timers.ts';

interface Waiting {
  readonly at: number;
  readonly run: () => void;
}

/** A clock and timers whose time passes only on request. */
export class FakeTime implements Clock, Timers {
  #now = 0;
  #wall = Date.UTC(2026, 0, 1);
  #waiting: Waiting[] = [];

  wall(): number {
    return this.#wall + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const waiting = { at: this.#now + ms, run };
    this.#waiting.push(waiting);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    };
  }

  /** The remaining milliseconds of each timer, the shortest first. */
  get pending(): readonly number[] {
    return this.#waiting.map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Lets time pass and runs the due timers in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  /** Sets the wall clock to another time; the monotonic one does not change. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }
}
