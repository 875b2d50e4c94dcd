import {
  codeUnit,
  endOfLiteral,
  endOfNumber,
  endOfString,
  lastString,
  skipSpace,
  viewOf,
} from './json-bytes.ts';
import { ESCAPE_BYTES } from './json-escapes.ts';

export interface Limits {
  /**
   * Names, values, objects, arrays, and white space between two of them. Each takes 10 to 20 ns, before the signature.
   * A number, `true`, `false`, `null` and a string with escapes take longer and count as two, a name with escapes as
   * five.
   */
  readonly parts: number;
  /** Levels of nesting. */
  readonly depth: number;
}

/**
 * The limits of claims. A token has room for six thousand parts. Real tokens have some seventy parts and less than ten
 * levels. A token with the roles of sixty applications has 423 parts, and one with as many groups as Microsoft puts
 * into a token 203.
 */
export const LIMITS: Limits = Object.freeze({ parts: 704, depth: 32 });

/** The limits of a header. Real headers have six members, one of which may be a list of three certificates. */
export const HEADER_LIMITS: Limits = Object.freeze({ parts: 160, depth: 32 });

/** Faults of a text. They are negative: `Outline.of` returns a fault or a number of members. */
const NOT_AN_OBJECT = -1;
export const TOO_DEEP = -2;
export const TOO_MANY_PARTS = -3;
/** A wanted member occurs twice. */
const REPEATED = -4;

const SPACE = 0x20;
/** The bit that turns a bracket into a brace. */
const LOWER = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Characters of a wanted name: as many as fit into one number, by which the name is found at once. */
const MAX_NAME = 4;
const NOT_ASCII = 0x80;
/** Parts for which a name with escapes counts: each of its characters is compared alone. */
const ESCAPED_NAME = 5;

/**
 * Scans the bytes of a JSON text (RFC 8259) once, without parsing them into objects: a token is parsed only after its
 * signature is verified. Finds whether the text is exactly one object within the limits, and where the values of a few
 * wanted members stand. It finds repeated names of wanted members only; `parseCounted` in `strict-json.ts` finds the
 * others.
 */
export class Outline {
  /** Where the value of the wanted member at the same index begins; -1 when the member is absent. */
  readonly starts: Int32Array;
  /** Where that value ends. */
  readonly ends: Int32Array;
  readonly #limits: Limits;
  readonly #names: Int32Array;
  /** Whether a wanted name can begin with a byte, by byte. */
  readonly #initials = new Uint8Array(256);

  /** @param wanted names of members, each of one to four characters of ASCII. */
  constructor(wanted: readonly string[], limits: Limits = LIMITS) {
    this.#limits = limits;
    this.#names = Int32Array.from(wanted, packed);
    for (const name of wanted) this.#initials[name.charCodeAt(0)] = 1;
    this.#initials[BACKSLASH] = 1;
    this.starts = new Int32Array(wanted.length);
    this.ends = new Int32Array(wanted.length);
  }

  /**
   * Scans a text.
   * @param bytes UTF-8.
   * @param length of the text in them.
   * @returns the number of members of all its objects, or its fault, which is negative.
   */
  of(bytes: Uint8Array, length: number): number {
    const view = viewOf(bytes);
    const limits = this.#limits;
    for (let slot = 0; slot < this.starts.length; slot += 1) this.starts[slot] = -1;
    let at = skipSpace(bytes, 0, length);
    if (at >= length || bytes[at] !== OPEN_BRACE) return NOT_AN_OBJECT;
    let members = 0;
    /** Parts that may still follow. */
    let left = limits.parts;
    let depth = 0;
    /** Which containers are objects, a bit for each: the lowest bit is that of the innermost one. */
    let kinds = 0;
    /** The index in `starts` of the outermost object's present member; -1 when it is not wanted. */
    let slot = -1;
    for (;;) {
      // A value begins at `at`.
      const first = bytes[at] as number;
      let opened = false;
      left -= 1;
      if (first === QUOTE) {
        at = endOfString(bytes, view, at + 1, length);
        if (lastString.isEscaped) left -= 1;
      } else if ((first | LOWER) === OPEN_BRACE) {
        depth += 1;
        if (depth > limits.depth) return TOO_DEEP;
        kinds = (kinds << 1) | (first === OPEN_BRACE ? 1 : 0);
        opened = true;
        at += 1;
      } else {
        left -= 1;
        at = first <= NINE ? endOfNumber(bytes, view, at, length) : endOfLiteral(view, at, length);
      }
      // The text cannot end here: an object is open.
      if (at < 0 || at >= length) return NOT_AN_OBJECT;
      if (left < 0) return TOO_MANY_PARTS;
      let next = bytes[at] as number;
      // The fast path through a long list.
      if (next === COMMA && (kinds & 1) === 0 && !opened) {
        at += 1;
        if (at < length && (bytes[at] as number) <= SPACE) {
          at = skipSpace(bytes, at, length);
          left -= 1;
        }
        if (at >= length) return NOT_AN_OBJECT;
        continue;
      }
      let end = at;
      if (next <= SPACE) {
        at = skipSpace(bytes, at, length);
        left -= 1;
        next = at < length ? (bytes[at] as number) : 0;
      }
      // Closes every container that ends here.
      while (next === ((kinds & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (depth === 1 && slot >= 0) this.ends[slot] = end;
        opened = false;
        kinds >>= 1;
        depth -= 1;
        at += 1;
        end = at;
        if (depth === 0) return skipSpace(bytes, at, length) === length ? members : NOT_AN_OBJECT;
        if (at < length && (bytes[at] as number) <= SPACE) {
          at = skipSpace(bytes, at, length);
          left -= 1;
        }
        next = at < length ? (bytes[at] as number) : 0;
      }
      if (!opened) {
        if (next !== COMMA) return NOT_AN_OBJECT;
        if (depth === 1 && slot >= 0) this.ends[slot] = end;
        at += 1;
        if (at < length && (bytes[at] as number) <= SPACE) {
          at = skipSpace(bytes, at, length);
          left -= 1;
        }
      }
      if ((kinds & 1) === 1) {
        if (at >= length || bytes[at] !== QUOTE) return NOT_AN_OBJECT;
        const name = at + 1;
        at = endOfString(bytes, view, name, length);
        if (at < 0 || at >= length) return NOT_AN_OBJECT;
        members += 1;
        left -= lastString.isEscaped ? ESCAPED_NAME : 1;
        if (depth === 1) slot = this.#slotOf(bytes, name, at - 1);
        if ((bytes[at] as number) <= SPACE) {
          at = skipSpace(bytes, at, length);
          left -= 1;
        }
        if (at >= length || bytes[at] !== COLON) return NOT_AN_OBJECT;
        at += 1;
        if (at < length && (bytes[at] as number) <= SPACE) {
          at = skipSpace(bytes, at, length);
          left -= 1;
        }
        if (depth === 1 && slot >= 0) {
          if ((this.starts[slot] as number) >= 0) return REPEATED;
          this.starts[slot] = at;
        }
      }
      if (at >= length) return NOT_AN_OBJECT;
    }
  }

  /** The index of a wanted name, in any spelling with escapes; -1 for another name. The name is a valid string. */
  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.#initials[bytes[start] as number] === 0 || end - start > MAX_NAME * ESCAPE_BYTES) return -1;
    let name = 0;
    let at = start;
    for (let count = 0; at < end; count += 1) {
      if (count === MAX_NAME) return -1;
      let unit = bytes[at] as number;
      at += 1;
      if (unit === BACKSLASH) {
        // No two-character escape stands for a character of a wanted name.
        if (bytes[at] !== LOWER_U) return -1;
        unit = codeUnit(bytes, at + 1);
        at += 5;
      }
      if (unit === 0 || unit >= NOT_ASCII) return -1;
      name = (name << 8) | unit;
    }
    return this.#names.indexOf(name);
  }
}

/** A name as one number. Different names have different numbers, because no name holds a NUL. */
function packed(name: string): number {
  if (!/^[\x21-\x7e]{1,4}$/.test(name))
    throw new RangeError(`${name} has not one to four characters of ASCII`);
  return Buffer.from(name, 'latin1').reduce((number, byte) => (number << 8) | byte, 0);
}
