import type { UpstreamConfig } from '../config/upstream-config.ts';

/**
 * Length of a tick in milliseconds. Deadlines are counted in ticks and compared once in each tick, so a request costs
 * neither a timer nor a reading of the clock. No time-out needs to be finer.
 */
export const TICK_MS = 100;

/** Time-outs in ticks. */
export interface ConnectionTimes {
  readonly connect: number;
  /** From the end of a request, or the last bytes of its body that upstream took, to the head of the response. */
  readonly response: number;
  /** Of silence between two pieces of a response. */
  readonly idle: number;
  /** The same in an event stream. */
  readonly stream: number;
  /** Of a connection without a request. */
  readonly keepAlive: number;
}

/** The time-outs of an upstream in ticks. */
export function connectionTimes(timeouts: UpstreamConfig['timeouts']): ConnectionTimes {
  const { connectMs, responseMs, idleMs, streamMs = idleMs, keepAliveMs } = timeouts;
  return {
    connect: ticks(connectMs),
    response: ticks(responseMs),
    idle: ticks(idleMs),
    stream: ticks(streamMs),
    keepAlive: ticks(keepAliveMs),
  };
}

/** The ticks in these milliseconds, and one more because the current tick has partly passed: never too early. */
export function ticks(milliseconds: number): number {
  return Math.ceil(milliseconds / TICK_MS) + 1;
}

/** The whole ticks in these seconds: never too late. */
export function wholeTicks(seconds: number): number {
  return Math.floor((seconds * 1000) / TICK_MS);
}
