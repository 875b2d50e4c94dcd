import type { IssuerConfig } from '../config/config.ts';
import { RemoteKeySet, type Surroundings } from './remote-key-set.ts';

/** The fetched key sets of a gateway, one for each issuer that has one. */
export class KeySets {
  readonly #sets: ReadonlyMap<string, RemoteKeySet>;
  #closed = false;

  constructor(issuers: ReadonlyMap<string, IssuerConfig>, around: Surroundings) {
    const sets = new Map<string, RemoteKeySet>();
    for (const [name, issuer] of issuers) {
      if (issuer.remote !== undefined) sets.set(name, new RemoteKeySet(issuer, issuer.remote, around));
    }
    this.#sets = sets;
  }

  /** Resolves when the kept sets are in force; the issuers are asked behind that, and nobody waits for them. */
  async start(): Promise<void> {
    await Promise.all(Array.from(this.#sets.values(), (set) => set.load()));
    if (this.#closed) return;
    for (const set of this.#sets.values()) set.start();
  }

  /** Undefined for an issuer whose keys are of the configuration. */
  of(issuer: string): RemoteKeySet | undefined {
    return this.#sets.get(issuer);
  }

  /** See `RemoteKeySet.refetch`. */
  refetch(issuer: string): Promise<void> | undefined {
    return this.#sets.get(issuer)?.refetch();
  }

  /** Names of the issuers without any key in force, each with the reason. */
  *missing(): Iterable<{ readonly issuer: string; readonly why: string }> {
    for (const [issuer, { hasKeys, lastError }] of this.#sets) {
      if (hasKeys) continue;
      yield {
        issuer,
        why: lastError === undefined ? 'its keys are being fetched' : `it has no keys: ${lastError}`,
      };
    }
  }

  /** Stops every timer and fetch. Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#sets.values(), (set) => set.close()));
  }
}
