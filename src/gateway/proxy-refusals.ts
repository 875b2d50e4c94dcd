import type { ProxyRefusal } from '../front/front.ts';
import { systemClock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import { LineRate } from '../lib/line-rate.ts';
import type { Log } from '../lib/log.ts';

/** Counts connections that are closed for want of a PROXY protocol header, and logs a few of them. */
export class ProxyRefusals {
  /** By why. */
  readonly counts = new CounterFamily();
  readonly #log: Log;
  readonly #lines = new LineRate(systemClock);

  constructor(log: Log) {
    this.#log = log;
  }

  readonly add = (why: ProxyRefusal, peer: string): void => {
    this.counts.of(why).value += 1;
    const leftOut = this.#lines.next();
    if (leftOut === undefined) return;
    const fields = { peer, why, ...(leftOut > 0 ? { leftOut } : {}) };
    this.#log.warn(fields, 'a connection without a PROXY protocol header of a trusted proxy is closed');
  };
}
