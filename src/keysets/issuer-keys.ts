import type { IssuerConfig } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { RemoteKeySet } from './remote-key-set.ts';

/** All keys of one issuer: those in its configuration, and those that its sources have published. */
export class IssuerKeys {
  readonly sets: readonly RemoteKeySet[];
  readonly #configured: readonly VerificationKey[];

  constructor(issuer: IssuerConfig, sets: readonly RemoteKeySet[]) {
    this.#configured = issuer.keys;
    this.sets = sets;
  }

  /** The keys in force. */
  get keys(): readonly VerificationKey[] {
    return [...this.#configured, ...this.sets.flatMap(({ keys }) => keys)];
  }

  /** The keys in force after one of the sets has changed to these. */
  with(changed: RemoteKeySet, keys: readonly VerificationKey[]): readonly VerificationKey[] {
    return [...this.#configured, ...this.sets.flatMap((set) => (set === changed ? keys : set.keys))];
  }

  /** Fetches from each source that may be asked now; undefined when it is too early for all of them. */
  refetch(): Promise<void> | undefined {
    const asked = this.sets.flatMap((set) => set.refetch() ?? []);
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => {});
  }
}
