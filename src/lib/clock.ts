import { performance } from 'node:perf_hooks'; // As a global it is a getter, called on each use.

/** The only place that reads a clock; tests put another one in its place. */
export interface Clock {
  /** Wall clock in milliseconds since the epoch: for `exp`, `nbf` and log lines. */
  wall(): number;
  /** Monotonic milliseconds: for time-outs and durations; steps of the wall clock do not change it. */
  monotonic(): number;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};
