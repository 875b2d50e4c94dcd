import type { IssuerConfig } from '../../config/config.ts';
import { tokenAlgorithms } from '../../keys/algorithms.ts';
import { isSameMaterial, type KeyChoice, type VerificationKey } from '../../keys/key.ts';
import { AudienceNames } from '../read/audience-names.ts';
import { ClaimPath } from '../read/claim-path.ts';
import { Audience } from './audience.ts';
import { TokenTypeRules } from './type-rules.ts';

/** Keys that are tried for one token. Bounds the work of a token without `kid`; a rotation needs two or three. */
const MAX_CANDIDATES = 8;

interface AlgorithmKeys {
  /** For tokens without `kid`. */
  readonly all: KeyChoice;
  /** For tokens with a `kid` that no key has: the keys without `kid`. */
  readonly unnamed: KeyChoice | undefined;
  readonly byKid: ReadonlyMap<string, KeyChoice>;
}

/** The rules of an issuer, and its present key set. */
export class Issuer {
  readonly config: IssuerConfig;
  /** The claim that holds roles in its tokens. */
  readonly roles: ClaimPath;
  readonly types: TokenTypeRules;
  readonly audience: Audience;
  /** Values of `alg` that its tokens may have. */
  readonly algorithms: ReadonlySet<string>;
  #present: readonly VerificationKey[];
  #keys: ReadonlyMap<string, AlgorithmKeys>;
  /** The algorithms of fetched sources that are restricted to some algorithms. */
  readonly #pinned: ReadonlySet<string>;
  /** Milliseconds between two requests for newer keys, by algorithm; absent when no key for it is fetched. */
  readonly #gaps: ReadonlyMap<string, number>;
  #keyRemovals = 0;
  #version = 1;
  #empty: boolean;

  /** @param audiences gets the audiences of this issuer too. */
  constructor(config: IssuerConfig, audiences: AudienceNames = new AudienceNames()) {
    this.config = config;
    this.roles = new ClaimPath(config.rolesClaim);
    this.types = new TokenTypeRules(config);
    this.audience = new Audience(config.audience, config.audienceMatch, audiences);
    this.#present = config.keys;
    this.algorithms = new Set(tokenAlgorithms(config.algorithms));
    this.#keys = arrange(config.keys, this.algorithms);
    this.#gaps = gapsOf(config);
    this.#pinned = new Set(
      tokenAlgorithms(config.remotes?.flatMap(({ algorithms = [] }) => algorithms) ?? []),
    );
    this.#empty = config.keys.length === 0;
  }

  /** How often keys were removed. A signature that was verified under another number does not count. */
  get keyRemovals(): number {
    return this.#keyRemovals;
  }

  /** Grows with every change of the key set. A refusal under another version does not count. */
  get version(): number {
    return this.#version;
  }

  /**
   * False while the issuer has no key, or no key for an algorithm that a fetched source should provide. Tokens can then
   * not be verified, which is not a fault of the token.
   */
  hasKeysFor(algorithm: string): boolean {
    return !this.#empty && (this.#keys.has(algorithm) || !this.#pinned.has(algorithm));
  }

  get keyCount(): number {
    return this.#present.length;
  }

  /** The `kid` of each present key; undefined for a key without one. */
  get kids(): readonly (string | undefined)[] {
    return this.#present.map(({ kid }) => kid);
  }

  /** Milliseconds between two requests for newer keys of the algorithm; undefined when none of them is fetched. */
  fetchGapMs(algorithm: string): number | undefined {
    return this.#gaps.get(algorithm);
  }

  replaceKeys(keys: readonly VerificationKey[]): void {
    const kept = keepsAll(this.#present, keys);
    this.#present = keys;
    this.#keys = arrange(keys, this.algorithms);
    this.#empty = keys.length === 0;
    this.#version += 1;
    // An added key invalidates nothing: a rotation must not have every cached token verified again.
    if (!kept) this.#keyRemovals += 1;
  }

  /** The keys that may have signed a token with this algorithm and `kid`; undefined when there is no such key. */
  choose(algorithm: string, kid: string | undefined): KeyChoice | undefined {
    const keys = this.#keys.get(algorithm);
    if (keys === undefined || kid === undefined) return keys?.all;
    return keys.byKid.get(kid) ?? keys.unnamed;
  }
}

/** Whether the new keys hold all old ones. */
function keepsAll(old: readonly VerificationKey[], keys: readonly VerificationKey[]): boolean {
  const byId = new Map<string, VerificationKey[]>();
  for (const key of keys) {
    const same = byId.get(key.id);
    if (same === undefined) byId.set(key.id, [key]);
    else same.push(key);
  }
  return old.every((one) => byId.get(one.id)?.some((key) => isSame(one, key)) === true);
}

function gapsOf(config: IssuerConfig): ReadonlyMap<string, number> {
  const gaps = new Map<string, number>();
  for (const { algorithms, unknownKidGapMs } of config.remotes ?? []) {
    for (const name of tokenAlgorithms(algorithms ?? config.algorithms)) {
      gaps.set(name, Math.min(gaps.get(name) ?? Number.POSITIVE_INFINITY, unknownKidGapMs));
    }
  }
  return gaps;
}

function isSame(a: VerificationKey, b: VerificationKey): boolean {
  return a.kid === b.kid && `${a.algorithms}` === `${b.algorithms}` && isSameMaterial(a.material, b.material);
}

function arrange(
  keys: readonly VerificationKey[],
  algorithms: ReadonlySet<string>,
): ReadonlyMap<string, AlgorithmKeys> {
  const arranged = new Map<string, AlgorithmKeys>();
  for (const algorithm of algorithms) {
    const fitting = keys.filter((key) => key.algorithms.includes(algorithm));
    if (fitting.length === 0) continue;
    const choice = (chosen: readonly VerificationKey[]): KeyChoice =>
      Object.freeze({ algorithm, keys: chosen.slice(0, MAX_CANDIDATES) });
    const named = new Map<string, VerificationKey[]>();
    const unnamed: VerificationKey[] = [];
    for (const key of fitting) {
      if (key.kid === undefined) {
        if (unnamed.length < MAX_CANDIDATES) unnamed.push(key);
        continue;
      }
      const same = named.get(key.kid);
      if (same === undefined) named.set(key.kid, [key]);
      else same.push(key);
    }
    arranged.set(algorithm, {
      all: choice(fitting),
      unnamed: unnamed.length === 0 ? undefined : choice(unnamed),
      byKid: new Map(Array.from(named, ([kid, same]) => [kid, choice([...same, ...unnamed])])),
    });
  }
  return arranged;
}
