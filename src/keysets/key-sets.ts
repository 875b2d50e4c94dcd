import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { RemoteKeySet, type Surroundings } from './remote-key-set.ts';

/** The key sets of other issuers, fetched but not in force. */
export type NextKeySets = ReadonlyMap<string, IssuerKeys>;

/** The fetched key sets of a gateway, by issuer. Issuers without fetched keys have no entry. */
export class KeySets {
  readonly #around: Surroundings;
  #issuers: NextKeySets = new Map();
  #retired: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(issuers: ReadonlyMap<string, IssuerConfig>, around: Surroundings) {
    this.#around = around;
    this.#issuers = this.#make(issuers);
  }

  /**
   * Resolves when the stored sets are in force. Fetches start after that, and the start does not wait for them. Rejects
   * with the StartError of a stored set that others could have written.
   */
  async start(): Promise<void> {
    await Promise.all(setsOf(this.#issuers).map((set) => set.load()));
    if (this.#closed) return;
    for (const set of setsOf(this.#issuers)) set.start();
  }

  /**
   * Makes the sets of other issuers and fetches the new ones; unchanged sets stay. Resolves when each has its keys or
   * its first attempt has failed. Rejects as `start` does, and then nothing has changed.
   */
  async prepare(issuers: ReadonlyMap<string, IssuerConfig>): Promise<NextKeySets> {
    const next = this.#make(issuers);
    const present = new Set(setsOf(this.#issuers));
    const fresh = setsOf(next).filter((set) => !present.has(set));
    try {
      await Promise.all(fresh.map((set) => set.load()));
    } catch (error) {
      this.#retire(fresh);
      throw error;
    }
    // A reload also fetches from unchanged addresses, but does not wait for them.
    for (const set of setsOf(next)) if (present.has(set)) set.start();
    await Promise.all(
      fresh.map(async (set) => {
        set.start();
        await set.refetch();
      }),
    );
    return next;
  }

  /** Replaces the present sets with prepared ones. Sets that are not part of both end. */
  commit(next: NextKeySets): void {
    const kept = new Set(setsOf(next));
    const ended = setsOf(this.#issuers).filter((set) => !kept.has(set));
    this.#issuers = next;
    this.#retire(ended);
  }

  /** Drops prepared sets. */
  abandon(next: NextKeySets): void {
    const present = new Set(setsOf(this.#issuers));
    this.#retire(setsOf(next).filter((set) => !present.has(set)));
  }

  /** The keys of an issuer; undefined when all of them are in the configuration. */
  of(issuer: string): IssuerKeys | undefined {
    return this.#issuers.get(issuer);
  }

  /** The keys in force, by issuer. */
  keys(): ReadonlyMap<string, readonly VerificationKey[]> {
    return keysOf(this.#issuers);
  }

  /** See `IssuerKeys.refetch`. */
  refetch(issuer: string): Promise<void> | undefined {
    return this.#issuers.get(issuer)?.refetch();
  }

  /** See `RemoteKeySet.renew`. */
  renew(issuer: string): void {
    for (const set of this.#issuers.get(issuer)?.sets ?? []) set.renew();
  }

  /** Names of the issuers with a set that has no key in force, each with the reason. */
  *missing(): Iterable<{ readonly issuer: string; readonly why: string }> {
    for (const [issuer, { sets }] of this.#issuers) {
      for (const { hasKeys, lastError, source } of sets) {
        if (hasKeys) continue;
        const which = sets.length === 1 ? '' : ` of ${source}`;
        yield {
          issuer,
          why:
            lastError === undefined
              ? `its keys${which} are being fetched`
              : `it has no keys${which}: ${lastError}`,
        };
      }
    }
  }

  /** Stops every timer and fetch. Resolves when all of them have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#retired, ...setsOf(this.#issuers).map((set) => set.close())]);
  }

  #make(issuers: ReadonlyMap<string, IssuerConfig>): NextKeySets {
    const made = new Map<string, IssuerKeys>();
    for (const [name, issuer] of issuers) {
      if (issuer.remotes === undefined) continue;
      const present = this.#issuers.get(name)?.sets ?? [];
      const sets = issuer.remotes.map(
        (remote) => present.find((set) => set.isOf(issuer, remote)) ?? this.#one(issuer, remote),
      );
      made.set(name, new IssuerKeys(issuer, sets));
    }
    return made;
  }

  #one(issuer: IssuerConfig, remote: RemoteKeysConfig): RemoteKeySet {
    const set: RemoteKeySet = new RemoteKeySet(issuer, remote, {
      ...this.#around,
      // Before `commit`, and after the set has been replaced, its keys belong to no issuer.
      setKeys: (name, keys) => {
        const present = this.#issuers.get(name);
        if (present?.sets.includes(set) === true) this.#around.setKeys(name, present.with(set, keys));
      },
    });
    return set;
  }

  #retire(sets: readonly RemoteKeySet[]): void {
    this.#retired = Promise.all([this.#retired, ...sets.map((set) => set.close())]).then(() => {});
  }
}

function setsOf(issuers: NextKeySets): readonly RemoteKeySet[] {
  return [...issuers.values()].flatMap(({ sets }) => sets);
}

/** The keys of these issuers, those in the configuration too; a set that is not fetched yet has none. */
export function keysOf(sets: NextKeySets): ReadonlyMap<string, readonly VerificationKey[]> {
  return new Map(Array.from(sets, ([issuer, { keys }]) => [issuer, keys]));
}
