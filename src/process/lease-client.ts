import type { Clock } from '../lib/clock.ts';
import type { Lease } from '../limits/lease.ts';

/**
 * Milliseconds between two messages that ask for more of one limit, after the other workers could spare no unit. They may
 * spare some a moment later, and a flood of requests must not become a flood of messages.
 */
const ASK_EVERY_MS = 50;

export interface LeaseClientOptions {
  /** The leases in force, by the name of their limit. */
  readonly leases: () => ReadonlyMap<string, Lease>;
  readonly ask: (key: string, wanted: number) => void;
  readonly clock: Clock;
}

/** A worker's side of the leases: asks for more when a limit runs short, and gives up units that the worker can spare. */
export class LeaseClient {
  readonly #options: LeaseClientOptions;
  /** Monotonic milliseconds of the last message, by limit; Infinity until the supervisor responds. */
  readonly #asked = new Map<string, number>();

  constructor(options: LeaseClientOptions) {
    this.#options = options;
  }

  /** A limit runs short, by `wanted` units where that is known. May be called for each request. */
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

  /** The supervisor grants units, 0 when no worker could spare any; or takes units off before the worker serves. */
  granted(key: string, amount: number): void {
    // Workers that could spare some may spare more.
    if (amount > 0) this.#asked.delete(key);
    else if (this.#asked.has(key)) this.#asked.set(key, this.#options.clock.monotonic());
    this.#options.leases().get(key)?.raise(amount);
  }

  /** Other workers need units. @returns how many were given up. */
  lower(key: string, wanted: number): number {
    return this.#options.leases().get(key)?.lower(wanted) ?? 0;
  }

  /** Another configuration is in force: the supervisor does not respond to earlier messages. */
  reset(): void {
    this.#asked.clear();
  }
}
