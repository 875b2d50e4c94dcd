import { mock } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';

/**
 * The monotonic clock of this process, which stands still until a test moves it: time-outs that the gateway compares
 * with it end exactly when their state has come, on a slow machine too.
 */
export class HeldClock {
  /** Whole numbers, so that a difference is exactly the time that passed. */
  private now = Math.ceil(systemClock.monotonic());
  private readonly held = mock.method(systemClock, 'monotonic', () => this.now);

  pass(milliseconds: number): void {
    this.now += milliseconds;
  }

  release(): void {
    this.held.mock.restore();
  }
}
