import { fieldSpelling } from './field-names.ts';

/** Characters from which on a name has no place in the masks and is always looked up. */
const MASKED_LENGTH = 64;
const EVERY_LETTER = -1;
const UNUSUAL = /[^0-9a-z-]/;

/**
 * A set of field names. Every request brings its names as new strings; length, first and last letter rule out most of
 * them, which saves the hash of the string. Names that differ only in marks are the same; see `fieldSpelling`.
 */
export class NameSet {
  readonly #names: ReadonlySet<string>;
  /** By length, one bit for each first letter of a name of that length. */
  readonly #first = new Int32Array(MASKED_LENGTH);
  /** The same for last letters. */
  readonly #last = new Int32Array(MASKED_LENGTH);

  constructor(names: Iterable<string>) {
    this.#names = new Set(Array.from(names, fieldSpelling));
    for (const name of this.#names) {
      const { length } = name;
      if (length >= MASKED_LENGTH) continue;
      this.#first[length] = (this.#first[length] as number) | maskOf(name.charAt(0));
      this.#last[length] = (this.#last[length] as number) | maskOf(name.charAt(length - 1));
    }
  }

  /** @param name in lower case. */
  has(name: string): boolean {
    const { length } = name;
    if (length < MASKED_LENGTH) {
      if (((this.#first[length] as number) & bitOf(name.charCodeAt(0))) === 0) return false;
      if (((this.#last[length] as number) & bitOf(name.charCodeAt(length - 1))) === 0) return false;
    }
    return this.#names.has(name) || (UNUSUAL.test(name) && this.#names.has(fieldSpelling(name)));
  }
}

function bitOf(code: number): number {
  return 1 << (code & 31);
}

/** The spelling has `-` for every mark, so any letter may stand there. */
function maskOf(letter: string): number {
  return letter === '-' ? EVERY_LETTER : bitOf(letter.charCodeAt(0));
}
