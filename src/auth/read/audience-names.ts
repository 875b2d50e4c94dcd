import { skipSpace, viewOf } from './json-bytes.ts';
import { ESCAPE_BYTES, writeUnescaped } from './json-escapes.ts';
import { endOfOutlined, isSameText, isString } from './json-value.ts';

/**
 * Names that the `aud` of a token may hold. A token with more fits no issuer. The search for each name takes 30 ns,
 * before the signature. Real tokens have one or two names; a token for every application of a company has sixty.
 */
export const MAX_AUDIENCES = 64;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
/** Chains, a power of two: more than most configurations have audiences. */
const CHAINS = 256;

/**
 * The audiences of all issuers, each with a number, and which of them the token in question names. The token is read
 * once for all issuers: a company may have one issuer, and an entry for each of its applications.
 */
export class AudienceNames {
  readonly #numbers = new Map<string, number>();
  readonly #texts: DataView[] = [];
  /** The number of the first name in each chain, by hash; -1 in an empty chain. */
  readonly #heads = new Int32Array(CHAINS).fill(-1);
  /** The number of the next name in the chain, by number. */
  readonly #nexts: number[] = [];
  /** The last token that named the audience, by number. */
  readonly #namedBy: number[] = [];
  #longest = 0;
  /** Memory for a name with its escapes resolved. */
  #plain = new Uint8Array(0);
  #plainView = new DataView(this.#plain.buffer);
  #token = 0;

  /** Adds an audience of an issuer. @returns its number, for `has`. */
  add(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const text = Uint8Array.from(Buffer.from(name));
    const number = this.#texts.push(new DataView(text.buffer)) - 1;
    this.#numbers.set(name, number);
    this.#namedBy.push(-1);
    const slot = hash(text, 0, text.length);
    this.#nexts.push(this.#heads[slot] as number);
    this.#heads[slot] = number;
    if (text.length > this.#longest) {
      this.#longest = text.length;
      this.#plain = new Uint8Array(text.length * ESCAPE_BYTES);
      this.#plainView = new DataView(this.#plain.buffer);
    }
    return number;
  }

  /** Whether the token that was read last names the audience of this number. */
  has(number: number): boolean {
    return this.#namedBy[number] === this.#token;
  }

  /**
   * Reads the `aud` of an outlined token without parsing it: a forged one may hold thousands of names. Unless it is a
   * string, or an array of at most `MAX_AUDIENCES` strings, the token names no audience.
   * @param start of its value; -1 when the token has no `aud`.
   * @param end of its value.
   */
  read(bytes: Buffer, start: number, end: number): void {
    this.#token += 1;
    if (!isString(bytes, start) && (start < 0 || bytes[start] !== OPEN_BRACKET)) return;
    if (bytes[start] === OPEN_BRACKET) this.#markList(bytes, start, end);
    else this.#markString(bytes, viewOf(bytes), start, end);
  }

  #markList(bytes: Buffer, start: number, end: number): void {
    const view = viewOf(bytes);
    // In an outlined array, only white space and commas stand between strings.
    let at = skipSpace(bytes, start + 1, end);
    for (let count = 0; at < end - 1; count += 1) {
      if (count === MAX_AUDIENCES || !isString(bytes, at)) {
        this.#token += 1;
        return;
      }
      at = skipSpace(bytes, this.#markString(bytes, view, at, end), end);
      if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1, end);
    }
  }

  /** @returns where the string ends. */
  #markString(bytes: Buffer, view: DataView, start: number, end: number): number {
    const behind = endOfOutlined(bytes, view, start, end);
    if (behind > 0) {
      this.#mark(bytes, view, start + 1, behind - start - 2);
      return behind;
    }
    if (-behind - start - 2 <= this.#longest * ESCAPE_BYTES) {
      const length = writeUnescaped(bytes, start + 1, -behind - 1, this.#plain);
      this.#mark(this.#plain, this.#plainView, 0, length);
    }
    return -behind;
  }

  #mark(bytes: Uint8Array, view: DataView, start: number, length: number): void {
    if (length > this.#longest) return;
    for (let number = this.#heads[hash(bytes, start, length)] as number; number >= 0; ) {
      const text = this.#texts[number] as DataView;
      if (text.byteLength === length && isSameText(view, start, text)) {
        this.#namedBy[number] = this.#token;
        return;
      }
      number = this.#nexts[number] as number;
    }
  }
}

/** A hash of the length and three bytes. Names with the same hash are compared as a whole. */
function hash(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0) return 0;
  const first = bytes[start] as number;
  const middle = bytes[start + (length >> 1)] as number;
  const last = bytes[start + length - 1] as number;
  return (length * 31 + first + middle * 5 + last * 17) & (CHAINS - 1);
}
