import type { Revocations } from '../auth/revocations.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { InForce, type InForceOptions } from './in-force.ts';
import type { Revocation } from './revocation.ts';
import { Sweeper } from './sweeper.ts';

/** Milliseconds between two sweeps. */
const SWEEP_MS = 1_000;

/** A copy of the revocations of another process, for a process that judges tokens. It does not check the limit. */
export class RevocationReplica {
  readonly #inForce: InForce;
  readonly #timer: NodeJS.Timeout;

  constructor(options: InForceOptions & { readonly clock: Clock }) {
    this.#inForce = new InForce(options);
    const sweeper = new Sweeper(this.#inForce.list, options.clock);
    this.#timer = setInterval(() => sweeper.tick(), SWEEP_MS);
    this.#timer.unref();
  }

  get list(): Revocations {
    return this.#inForce.list;
  }

  /** Puts revocations in force before it returns. */
  add(revocations: readonly Revocation[]): void {
    for (const revocation of revocations) this.#inForce.list.add(revocation);
  }

  /** Removes the revocations that came only from Redis. */
  dropForeign(): void {
    this.#inForce.list.dropForeign();
  }

  /** Replaces the issuers. */
  setIssuers(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.#inForce.setIssuers(issuers);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
