import type { AudienceNames } from '../read/audience-names.ts';
import type { OutlinedClaims } from '../read/outlined-claims.ts';

/**
 * The audiences that the tokens of an issuer must name (RFC 7519 §4.1.3). Only a string or an array of strings names any.
 */
export class Audience {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #all: boolean;
  readonly #numbers: readonly number[];
  readonly #wanted: AudienceNames;

  /**
   * @param names the audiences; undefined: every token is accepted, with or without `aud`.
   * @param match whether a token must name one of them or all.
   * @param wanted the audiences of all issuers; those of this one are added.
   */
  constructor(names: readonly string[] | undefined, match: 'any' | 'all', wanted: AudienceNames) {
    this.#names = names === undefined ? undefined : new Set(names);
    this.#all = match === 'all';
    this.#wanted = wanted;
    this.#numbers = Array.from(this.#names ?? [], (name) => wanted.add(name));
  }

  /** Whether a parsed `aud` is accepted. */
  accepts(aud: unknown): boolean {
    const names = this.#names;
    if (names === undefined) return true;
    if (typeof aud === 'string') return names.has(aud) && (!this.#all || names.size === 1);
    if (!Array.isArray(aud)) return false;
    if (this.#all) {
      return aud.every((item) => typeof item === 'string') && [...names].every((one) => aud.includes(one));
    }
    let found = false;
    for (const item of aud) {
      if (typeof item !== 'string') return false;
      if (names.has(item)) found = true;
    }
    return found;
  }

  /** Whether the `aud` of claims that have been outlined and not parsed is accepted. */
  acceptsOutlined(claims: OutlinedClaims): boolean {
    if (this.#names === undefined) return true;
    claims.readAudience();
    for (const number of this.#numbers) if (this.#wanted.has(number) !== this.#all) return !this.#all;
    return this.#all;
  }
}
