import { mock } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';

/**
 * The monotonic clock of this process, which stands still until it is told to go on: time-outs that the gateway
 * compares with it end exactly when the state they are about has come, however slow the machine is.
 */
export class HeldClock {
  /** Whole, so that a difference is exactly what has passed. */
  private now = Math.ceil(systemClock.monotonic());
  private readonly held = mock.method(systemClock, 'monotonic', () => this.now);

  pass(milliseconds: number): void {
    this.now += milliseconds;
  }

  release(): void {
    this.held.mock.restore();
  }
}
