/**
 * Length of a tick in milliseconds: deadlines are kept in ticks and looked at once in each, so that a request costs
 * neither a timer nor a look at the clock. No time-out needs to be finer.
 */
export const TICK_MS = 100;

/** Time-outs in the owner's ticks. */
export interface ConnectionTimes {
  readonly connect: number;
  /** From the end of a request, or upstream's last taking of its body, to the head of an answer. */
  readonly response: number;
  /** Of silence between two pieces of an answer. */
  readonly idle: number;
  /** Of a connection without a request. */
  readonly keepAlive: number;
}

/** As many ticks as these milliseconds have, and one, because the tick under way has partly passed: never too early. */
export function ticks(milliseconds: number): number {
  return Math.ceil(milliseconds / TICK_MS) + 1;
}

/** As many ticks as surely lie within these seconds: never too late. */
export function wholeTicks(seconds: number): number {
  return Math.floor((seconds * 1000) / TICK_MS);
}
