import { skipSpace } from './json-bytes.ts';
import { endOfOutlined, hasEscapes, isSameText, isString, textOf } from './json-value.ts';

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
/**
 * Names with escapes in them that are looked at in one token before its signature; each costs 0.3 µs. PHP writes `\/` in
 * URLs, and a token has a handful of audiences.
 */
const MAX_ESCAPED = 64;
/** Bytes that an escape of one character has at most. */
const ESCAPE_BYTES = 6;

/** Whom the tokens of an issuer must be meant for (RFC 7519 §4.1.3); only a string or an array of strings can say so. */
export class Audience {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #all: boolean;
  readonly #texts: readonly Buffer[];
  readonly #longest: number;

  /** `names` undefined: any audience, and none, will do. */
  constructor(names: readonly string[] | undefined, match: 'any' | 'all') {
    this.#names = names === undefined ? undefined : new Set(names);
    this.#all = match === 'all';
    this.#texts = Array.from(this.#names ?? [], (name) => Buffer.from(name));
    this.#longest = Math.max(0, ...this.#texts.map(({ length }) => length));
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

  /**
   * The same for the value of `aud` in a JSON text that has been outlined, without making anything of it: a stranger's
   * may hold thousands of names. `start` is -1 when there is none.
   */
  acceptsAt(bytes: Buffer, start: number, end: number): boolean {
    if (this.#names === undefined) return true;
    if (start < 0) return false;
    const needed = this.#all ? this.#texts.length : 1;
    if (isString(bytes, start)) {
      return needed === 1 && this.#find(bytes, start, end, hasEscapes(bytes, start, end)) >= 0;
    }
    if (bytes[start] !== OPEN_BRACKET) return false;
    let found = 0;
    let seen: Set<number> | undefined;
    let escaped = 0;
    // An outlined array of strings has nothing but white space and commas between them.
    let at = skipSpace(bytes, start + 1, end);
    while (at < end - 1) {
      if (!isString(bytes, at)) return false;
      let behind = endOfOutlined(bytes, at);
      const hasEscape = behind < 0;
      behind = Math.abs(behind);
      if (hasEscape) escaped += 1;
      const index = escaped > MAX_ESCAPED ? -1 : this.#find(bytes, at, behind, hasEscape);
      if (index >= 0 && needed === 1) found = 1;
      else if (index >= 0) {
        seen ??= new Set();
        found = seen.add(index).size;
      }
      at = skipSpace(bytes, behind, end);
      if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1, end);
    }
    return found >= needed;
  }

  /** Which of them the string is; -1 for none. */
  #find(bytes: Buffer, start: number, end: number, hasEscape: boolean): number {
    const texts = this.#texts;
    if (hasEscape) {
      if (end - start - 2 > this.#longest * ESCAPE_BYTES) return -1;
      const text = Buffer.from(textOf(bytes, start, end));
      return texts.findIndex((one) => one.equals(text));
    }
    for (let index = 0; index < texts.length; index += 1) {
      if (isSameText(bytes, start + 1, end - 1, texts[index] as Buffer)) return index;
    }
    return -1;
  }
}
