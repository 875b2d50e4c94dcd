import { RateTable } from './rate-table.ts';

/** What a limit allows; see `RateLimitConfig`. */
export interface RateTerms {
  readonly name: string;
  readonly amount: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly keys: number;
}

/** Requests that another process has let in: those of `keys[n]` are `amounts[n]`. */
export interface Charges {
  readonly limit: string;
  readonly keys: Float64Array;
  readonly amounts: Float64Array;
}

/** Part of a gap by which a request may be early: sums of fractions are not exact. */
const TOLERANCE = 1e-3;
/** The part of the burst that all processes together may keep to themselves, for each key. */
const UNSAID_PART = 0.05;
/** The part of the burst that one key may use up in one process before that must be said at once. */
const URGENT_PART = 0.25;

/** How soon other processes must know of requests: `later` within some milliseconds, `now` at the end of the turn. */
export type Urgency = 'later' | 'now';

/** One limit in one process: the generic cell rate algorithm, which lets requests in at an even rate after a burst. */
export class RateLimit {
  readonly terms: RateTerms;
  /** Milliseconds from one request to the next at the full rate. */
  readonly gapMs: number;
  /** Milliseconds in which a burst comes back. */
  readonly spanMs: number;
  readonly table: RateTable;
  readonly #step: number;
  readonly #urgent: number;
  /** Keys of which the others must know. */
  #news: number[] = [];

  /** @param processes that count by this limit. */
  constructor(terms: RateTerms, processes: number) {
    const { amount, periodMs, burst, keys } = terms;
    this.terms = terms;
    this.gapMs = periodMs / amount;
    this.spanMs = burst * this.gapMs;
    this.table = new RateTable(keys);
    this.#step = Math.max(1, Math.floor((burst * UNSAID_PART) / processes));
    this.#urgent = Math.max(this.#step, Math.ceil((burst * URGENT_PART) / processes));
  }

  /**
   * Milliseconds after which a request of a key may come; 0: it may come now.
   * @param now monotonic milliseconds. @param cost requests for which it counts.
   */
  wait(key: number, now: number, cost: number): number {
    const over = this.table.until(key, now) - now + cost * this.gapMs - this.spanMs;
    return over > this.gapMs * TOLERANCE ? over : 0;
  }

  /** Counts a request. @returns whether other processes must know of it. */
  take(key: number, now: number, cost: number): Urgency | undefined {
    const unsaid = this.table.set(key, this.table.until(key, now) + cost * this.gapMs, cost, now);
    if (unsaid < this.#step) return undefined;
    if (unsaid - cost < this.#step) this.#news.push(key);
    return unsaid < this.#urgent ? 'later' : 'now';
  }

  /** The requests that other processes do not know of; they are about to. Undefined: too few to tell. */
  collect(): Charges | undefined {
    if (this.#news.length === 0) return undefined;
    const keys = Float64Array.from(this.#news);
    this.#news = [];
    return { limit: this.terms.name, keys, amounts: keys.map((key) => this.table.takeUnsaid(key)) };
  }

  /** Counts requests that other processes have let in. They can make a key wait longer than its burst. */
  add({ keys, amounts }: Charges, now: number): void {
    for (const [at, key] of keys.entries()) {
      const ms = (amounts[at] as number) * this.gapMs;
      if (ms > 0) this.table.set(key, this.table.until(key, now) + ms, 0, now);
    }
  }

  /** What every key has used, for a process that begins. */
  snapshot(now: number): Charges {
    const keys: number[] = [];
    const amounts: number[] = [];
    this.table.each(now, (key, left) => {
      keys.push(key);
      amounts.push(left / this.gapMs);
    });
    return { limit: this.terms.name, keys: Float64Array.from(keys), amounts: Float64Array.from(amounts) };
  }
}
