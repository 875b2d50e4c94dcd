import { ticks } from './ticks.ts';

/** Ticks between two probes of an unreachable server. A probe costs one connection, and its return is noticed soon. */
const PROBE_TICKS = ticks(2_000);

/** When an unreachable server is probed again. */
export class ProbePace {
  /** The tick of the next probe. */
  #at = 0;

  /** Whether a probe is due, which then counts as made. */
  takes(tick: number): boolean {
    if (tick < this.#at) return false;
    this.failed(tick);
    return true;
  }

  /** A connection has just failed: the next probe waits. */
  failed(tick: number): void {
    this.#at = tick + PROBE_TICKS;
  }
}
