import type { AudienceNames } from '../read/audience-names.ts';

/** Whom the tokens of an issuer must be meant for (RFC 7519 §4.1.3); only a string or an array of strings can say so. */
export class Audience {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #all: boolean;
  readonly #numbers: readonly number[];
  readonly #book: AudienceNames;

  /** `names` undefined: any audience, and none, will do. `book`: where those of all issuers are looked up. */
  constructor(names: readonly string[] | undefined, match: 'any' | 'all', book: AudienceNames) {
    this.#names = names === undefined ? undefined : new Set(names);
    this.#all = match === 'all';
    this.#book = book;
    this.#numbers = Array.from(this.#names ?? [], (name) => book.add(name));
  }

  /** Whether the book need not read `aud`. */
  get isAny(): boolean {
    return this.#names === undefined;
  }

  /** Whether `aud`, as it was parsed, names one of them, or all. */
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

  /** The same for the token whose `aud` the book has read. */
  acceptsNamed(): boolean {
    if (this.isAny) return true;
    for (const number of this.#numbers) if (this.#book.has(number) !== this.#all) return !this.#all;
    return this.#all;
  }
}
