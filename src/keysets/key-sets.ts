import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import { RemoteKeySet, type Surroundings } from './remote-key-set.ts';

/** The key sets of other issuers, fetched and not yet in force. */
export type NextKeySets = ReadonlyMap<string, RemoteKeySet>;

/** The fetched key sets of a gateway, one for each issuer that has one. */
export class KeySets {
  readonly #around: Surroundings;
  #sets: ReadonlyMap<string, RemoteKeySet> = new Map();
  #retired: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(issuers: ReadonlyMap<string, IssuerConfig>, around: Surroundings) {
    this.#around = around;
    this.#sets = this.#make(issuers);
  }

  /**
   * Resolves when the kept sets are in force; the issuers are asked behind that, and nobody waits for them. Rejects
   * with the StartError of a kept set that others could have written.
   */
  async start(): Promise<void> {
    await Promise.all(Array.from(this.#sets.values(), (set) => set.load()));
    if (this.#closed) return;
    for (const set of this.#sets.values()) set.start();
  }

  /**
   * Makes the sets of other issuers and has those fetched that are new; what stays as it is goes on. Resolves when
   * each has its keys or its first attempt has failed. Rejects as `start` does, and then nothing has changed.
   */
  async prepare(issuers: ReadonlyMap<string, IssuerConfig>): Promise<NextKeySets> {
    const next = this.#make(issuers);
    const present = new Set(this.#sets.values());
    const fresh = [...next.values()].filter((set) => !present.has(set));
    try {
      await Promise.all(fresh.map((set) => set.load()));
    } catch (error) {
      this.#retire(fresh);
      throw error;
    }
    // Whoever asks for new keys gets them also where the address is the old one; nobody waits for these.
    for (const set of next.values()) if (present.has(set)) set.start();
    await Promise.all(
      fresh.map(async (set) => {
        set.start();
        await set.refetch();
      }),
    );
    return next;
  }

  /** Puts prepared sets in the place of the present ones, which end unless they stay. */
  follow(next: NextKeySets): void {
    const kept = new Set(next.values());
    const ended = [...this.#sets.values()].filter((set) => !kept.has(set));
    this.#sets = next;
    this.#retire(ended);
  }

  /** Gives prepared sets up. */
  abandon(next: NextKeySets): void {
    const present = new Set(this.#sets.values());
    this.#retire([...next.values()].filter((set) => !present.has(set)));
  }

  /** Undefined for an issuer whose keys are of the configuration. */
  of(issuer: string): RemoteKeySet | undefined {
    return this.#sets.get(issuer);
  }

  /** The keys in force, by issuer. */
  keys(): ReadonlyMap<string, readonly VerificationKey[]> {
    return keysOf(this.#sets);
  }

  /** See `RemoteKeySet.refetch`. */
  refetch(issuer: string): Promise<void> | undefined {
    return this.#sets.get(issuer)?.refetch();
  }

  /** See `RemoteKeySet.renew`. */
  renew(issuer: string): void {
    this.#sets.get(issuer)?.renew();
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
    await Promise.all([this.#retired, ...Array.from(this.#sets.values(), (set) => set.close())]);
  }

  #make(issuers: ReadonlyMap<string, IssuerConfig>): ReadonlyMap<string, RemoteKeySet> {
    const sets = new Map<string, RemoteKeySet>();
    for (const [name, issuer] of issuers) {
      if (issuer.remote === undefined) continue;
      const present = this.#sets.get(name);
      sets.set(name, present?.isOf(issuer) === true ? present : this.#one(issuer, issuer.remote));
    }
    return sets;
  }

  #one(issuer: IssuerConfig, remote: RemoteKeysConfig): RemoteKeySet {
    const set: RemoteKeySet = new RemoteKeySet(issuer, remote, {
      ...this.#around,
      // Before its time and after it, its keys are nobody's.
      setKeys: (name, keys) => {
        if (this.#sets.get(name) === set) this.#around.setKeys(name, keys);
      },
    });
    return set;
  }

  #retire(sets: readonly RemoteKeySet[]): void {
    this.#retired = Promise.all([this.#retired, ...sets.map((set) => set.close())]).then(() => {});
  }
}

/** The keys of these sets, by issuer; what is not fetched yet has none. */
export function keysOf(sets: NextKeySets): ReadonlyMap<string, readonly VerificationKey[]> {
  return new Map(Array.from(sets, ([issuer, { keys }]) => [issuer, keys]));
}
