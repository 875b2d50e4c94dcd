import type { Clock } from '../lib/clock.ts';
import { Counter } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import { type Lease, spareOf } from './lease.ts';

/** Least milliseconds between two lines about refused connections: a flood of them must not become a flood of lines. */
const LOG_EVERY_MS = 10_000;

/**
 * Share of the limit, as its reciprocal, that stays unused when the rest is lent: a connection is admitted or refused at
 * once, with no time to ask for more.
 */
const KEEP_PART = 8;

/** Counts the client connections that are open, and those that were one too many. */
export class ConnectionLimit implements Lease {
  /** Connections closed because as many as allowed were open. */
  readonly refused: Counter = new Counter();
  /** Most connections at one time; those beyond a lower one that is set later stay. */
  limit: number;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly onScarce: () => void;
  private count = 0;
  private toldAt = Number.NEGATIVE_INFINITY;
  private told = 0;

  /** @param onScarce told of each connection while few more may come. */
  constructor(limit: number, clock: Clock, log: Log, onScarce: () => void = () => {}) {
    this.limit = limit;
    this.clock = clock;
    this.log = log;
    this.onScarce = onScarce;
  }

  /** Connections open now. */
  get open(): number {
    return this.count;
  }

  /** A connection opened (`change` 1) or closed (-1). Returns false when it must not stay. */
  admit(change: number): boolean {
    this.count += change;
    if (change > 0 && this.limit - this.count < this.limit / KEEP_PART) this.onScarce();
    if (change < 0 || this.count <= this.limit) return true;
    this.refused.value += 1;
    this.tell();
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
    const amount = spareOf(this.limit, this.count, keep, wanted);
    this.limit -= amount;
    return amount;
  }

  private tell(): void {
    const now = this.clock.monotonic();
    if (now - this.toldAt < LOG_EVERY_MS) return;
    const refused = this.refused.value - this.told;
    this.toldAt = now;
    this.told = this.refused.value;
    this.log.warn(
      { limit: this.limit, refused },
      'client connections are refused: limits.connections is reached',
    );
  }
}
