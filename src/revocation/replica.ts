import type { Revocations } from '../auth/revocations.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { InForce, type InForceOptions } from './in-force.ts';
import type { Revocation } from './revocation.ts';
import { Sweeper } from './sweeper.ts';

/** Milliseconds between two looks for revocations that have ended. */
const SWEEP_MS = 1_000;

/** The revocations of another process, for one that judges tokens by them; whether there is room is not decided here. */
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

  /** In force when this returns. */
  add(revocations: readonly Revocation[]): void {
    for (const revocation of revocations) this.#inForce.list.add(revocation);
  }

  /** Forgets what only Redis told. */
  dropForeign(): void {
    this.#inForce.list.dropForeign();
  }

  /** Other issuers sign tokens from now on. */
  setIssuers(issuers: ReadonlyMap<string, IssuerConfig>): void {
    this.#inForce.setIssuers(issuers);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
