import type { Clock } from '../lib/clock.ts';
import { Counter } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import { type Lease, spareOf } from './lease.ts';

/** Milliseconds between two log lines about refused connections: a flood of connections must not flood the log. */
const LOG_EVERY_MS = 10_000;

/**
 * The part of the limit that is not lent while it is unused, as a reciprocal: a connection is admitted or refused at
 * once, with no time to ask for more.
 */
const KEEP_PART = 8;

/** Counts the open client connections, and refuses those above the limit. */
export class ConnectionLimit implements Lease {
  /** Connections closed because the limit was reached. */
  readonly refused: Counter = new Counter();
  /** Open connections that speak HTTP/2. */
  h2 = 0;
  /** Connections at one time, at most. A later, lower limit closes none. */
  limit: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onScarce: () => void;
  #count = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;
  /** Refused connections up to the last log line. */
  #logged = 0;

  /** @param onScarce called for each new connection while few more may come. */
  constructor(limit: number, clock: Clock, log: Log, onScarce: () => void = () => {}) {
    this.limit = limit;
    this.#clock = clock;
    this.#log = log;
    this.#onScarce = onScarce;
  }

  /** Connections open now. */
  get open(): number {
    return this.#count;
  }

  /** A connection opened (`change` 1) or closed (-1). Returns false when it must not stay. */
  admit(change: number): boolean {
    this.#count += change;
    if (change > 0 && this.limit - this.#count < this.limit / KEEP_PART) this.#onScarce();
    if (change < 0 || this.#count <= this.limit) return true;
    this.refused.value += 1;
    this.#logRefusals();
    return false;
  }

  get step(): number {
    return Math.max(1, Math.ceil(this.limit / 4));
  }

  raise(amount: number): void {
    this.limit += amount;
  }

  lower(wanted: number): number {
    const keep = Math.max(1, Math.ceil(this.limit / KEEP_PART));
    const amount = spareOf(this.limit, this.#count, keep, wanted);
    this.limit -= amount;
    return amount;
  }

  #logRefusals(): void {
    const now = this.#clock.monotonic();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    const refused = this.refused.value - this.#logged;
    this.#loggedAt = now;
    this.#logged = this.refused.value;
    this.#log.warn(
      { limit: this.limit, refused },
      'client connections are refused: limits.connections is reached',
    );
  }
}
