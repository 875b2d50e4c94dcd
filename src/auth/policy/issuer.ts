import type { IssuerConfig } from '../../config/config.ts';
import { tokenAlgorithms } from '../../keys/algorithms.ts';
import { isSameMaterial, type KeyChoice, type VerificationKey } from '../../keys/key.ts';
import { AudienceNames } from '../read/audience-names.ts';
import { ClaimPath } from '../read/claim-path.ts';
import { Audience } from './audience.ts';
import { TokenTypeRules } from './type-rules.ts';

/** Keys tried for one token; bounds the work a token without `kid` can cause. Rotation needs two or three. */
const MAX_CANDIDATES = 8;

interface AlgorithmKeys {
  /** For tokens without `kid`. */
  readonly all: KeyChoice;
  /** For tokens whose `kid` no key has: the keys that have none either. */
  readonly unnamed: KeyChoice | undefined;
  readonly byKid: ReadonlyMap<string, KeyChoice>;
}

/** An issuer's rules and its present key set. */
export class Issuer {
  readonly config: IssuerConfig;
  /** Where its tokens have their roles. */
  readonly roles: ClaimPath;
  readonly types: TokenTypeRules;
  readonly audience: Audience;
  /** Names that its tokens may have in `alg`. */
  readonly algorithms: ReadonlySet<string>;
  #present: readonly VerificationKey[];
  #keys: ReadonlyMap<string, AlgorithmKeys>;
  /** Algorithms of fetched sources that are pinned to some. */
  readonly #pinned: ReadonlySet<string>;
  /** Algorithm → milliseconds in which its keys are asked for once on behalf of tokens; absent: they are not fetched. */
  readonly #gaps: ReadonlyMap<string, number>;
  #generation = 1;
  #version = 1;
  #empty: boolean;

  /** `audiences`: those of all issuers among which a token is to choose. */
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

  /** Grows when a key goes; that a token was verified under another generation proves nothing now. */
  get generation(): number {
    return this.#generation;
  }

  /** Grows with every change of the key set; that a token was refused under another version proves nothing now. */
  get version(): number {
    return this.#version;
  }

  /**
   * False until the issuer has any key, and while a source that is fetched has given none for the algorithm; tokens are
   * then not wrong, they cannot be judged.
   */
  hasKeysFor(algorithm: string): boolean {
    return !this.#empty && (this.#keys.has(algorithm) || !this.#pinned.has(algorithm));
  }

  get keyCount(): number {
    return this.#present.length;
  }

  /** Of the keys in force, with an undefined for each that has none. */
  get kids(): readonly (string | undefined)[] {
    return this.#present.map(({ kid }) => kid);
  }

  /** Milliseconds in which keys for the algorithm are asked for once on behalf of tokens; undefined: never. */
  fetchGapMs(algorithm: string): number | undefined {
    return this.#gaps.get(algorithm);
  }

  replaceKeys(keys: readonly VerificationKey[]): void {
    const kept = keepsAll(this.#present, keys);
    this.#present = keys;
    this.#keys = arrange(keys, this.algorithms);
    this.#empty = keys.length === 0;
    this.#version += 1;
    // A key that is added takes nothing back, and a rotation must not verify every cached token anew.
    if (!kept) this.#generation += 1;
  }

  /** The keys that may have signed a token with this algorithm and `kid`; undefined when there is none. */
  choose(algorithm: string, kid: string | undefined): KeyChoice | undefined {
    const keys = this.#keys.get(algorithm);
    if (keys === undefined || kid === undefined) return keys?.all;
    return keys.byKid.get(kid) ?? keys.unnamed;
  }
}

/** Whether none of the old keys has gone. */
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
