import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import { type Charges, RateLimit, type RateTerms, type Urgency } from './rate-limit.ts';

/** Milliseconds in which other processes learn of requests: 200 messages a second at most. */
const REPORT_MS = 5;
/** Milliseconds without a response after which a process counts for itself, with its own share. */
const SILENT_MS = 1_000;

export interface RateLimitsOptions {
  readonly clock: Clock;
  /** Processes that count by the same limits. */
  readonly processes: number;
  /** Tells the other processes; each call is answered by `heard`. Undefined: there are none. */
  readonly report?: ((charges: readonly Charges[]) => void) | undefined;
}

/** The limits of a process on the rate of requests. They outlive a change of the configuration that leaves them alone. */
export class RateLimits {
  /** Requests refused, by limit. */
  readonly refused = new CounterFamily();
  readonly #options: RateLimitsOptions;
  #limits: ReadonlyMap<string, RateLimit> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  /** Reports without a response. */
  #unheard = 0;
  /** Monotonic milliseconds of the last response, or of the first report without one. */
  #heardAt = 0;

  constructor(options: RateLimitsOptions) {
    this.#options = options;
  }

  /** Those in force, by name. */
  get all(): ReadonlyMap<string, RateLimit> {
    return this.#limits;
  }

  get now(): number {
    return this.#options.clock.monotonic();
  }

  /** The limits of a configuration, those in force among them where nothing has changed. They are not in force yet. */
  plan(terms: Iterable<RateTerms>): ReadonlyMap<string, RateLimit> {
    return new Map(
      Array.from(terms, (its) => {
        const known = this.#limits.get(its.name);
        const isKept = known !== undefined && isDeepStrictEqual(known.terms, its);
        return [its.name, isKept ? known : new RateLimit(its, this.#options.processes)];
      }),
    );
  }

  /** Puts limits in force. */
  follow(limits: ReadonlyMap<string, RateLimit>): void {
    this.#limits = limits;
  }

  /**
   * For how many requests one counts: several while the supervisor does not respond, since then no process knows what the
   * others let in.
   */
  cost({ terms }: RateLimit, now: number): number {
    if (this.#unheard === 0 || now - this.#heardAt < SILENT_MS) return 1;
    return Math.min(this.#options.processes, terms.burst);
  }

  /** Sees to it that other processes learn of a request. */
  tell(urgency: Urgency): void {
    if (this.#options.report === undefined) return;
    if (urgency === 'now' && !this.#isDue) {
      this.#isDue = true;
      setImmediate(() => this.#report());
    }
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#report(), REPORT_MS);
    this.#timer.unref();
  }

  /** The supervisor has taken a report. */
  heard(): void {
    this.#unheard = Math.max(0, this.#unheard - 1);
    this.#heardAt = this.now;
  }

  /** Counts requests that other processes have let in. Those of limits that are not in force here are dropped. */
  add(charges: readonly Charges[]): void {
    const { now } = this;
    for (const one of charges) this.#limits.get(one.limit)?.add(one, now);
  }

  /** What all keys have used, for a process that begins. */
  snapshot(): readonly Charges[] {
    const { now } = this;
    return Array.from(this.#limits.values(), (limit) => limit.snapshot(now)).filter(
      ({ keys }) => keys.length > 0,
    );
  }

  #report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    const charges = Array.from(this.#limits.values(), (limit) => limit.collect()).filter(
      (one) => one !== undefined,
    );
    if (charges.length === 0) return;
    if (this.#unheard === 0) this.#heardAt = this.now;
    this.#unheard += 1;
    this.#options.report?.(charges);
  }
}
