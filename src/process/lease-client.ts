import type { Clock } from '../lib/clock.ts';
import type { Lease } from '../limits/lease.ts';

/**
 * Milliseconds between two questions for more of one limit when others could spare nothing: they may a moment later,
 * and a flood of requests must not become a flood of questions.
 */
const ASK_EVERY_MS = 50;

export interface LeaseClientOptions {
  /** The parts of limits in force, by the names that the supervisor knows. */
  readonly leases: () => ReadonlyMap<string, Lease>;
  readonly ask: (key: string, wanted: number) => void;
  readonly clock: Clock;
}

/** The side of a process that uses parts of limits: asks for more when one runs short and gives up what it can spare. */
export class LeaseClient {
  readonly #options: LeaseClientOptions;
  /** Monotonic milliseconds of the last question, by limit; Infinity while it is not answered. */
  readonly #asked = new Map<string, number>();

  constructor(options: LeaseClientOptions) {
    this.#options = options;
  }

  /** This limit runs short, by `wanted` units when that is known. May be called for each request. */
  want(key: string, wanted = 0): void {
    const asked = this.#asked.get(key);
    if (asked === Number.POSITIVE_INFINITY) return;
    const { leases, ask, clock } = this.#options;
    if (asked !== undefined && clock.monotonic() - asked < ASK_EVERY_MS) return;
    const lease = leases().get(key);
    if (lease === undefined) return;
    this.#asked.set(key, Number.POSITIVE_INFINITY);
    ask(key, Math.max(lease.step, wanted));
  }

  /** The answer to a question, 0 when nothing could be spared; or, unasked, what is taken off before it serves. */
  granted(key: string, amount: number): void {
    // Who could spare something may spare more.
    if (amount > 0) this.#asked.delete(key);
    else if (this.#asked.has(key)) this.#asked.set(key, this.#options.clock.monotonic());
    this.#options.leases().get(key)?.raise(amount);
  }

  /** Others need units. @returns how many were given up. */
  lower(key: string, wanted: number): number {
    return this.#options.leases().get(key)?.lower(wanted) ?? 0;
  }

  /** Another configuration is in force: what was asked for before is not answered any more. */
  reset(): void {
    this.#asked.clear();
  }
}
