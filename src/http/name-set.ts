import { fieldSpelling } from './field-names.ts';

/** Header names are below this length to have a place in the masks, in characters; longer ones are looked up. */
const MASKED_LENGTH = 64;
const EVERY_LETTER = -1;
const UNUSUAL = /[^0-9a-z-]/;

/**
 * A set of header names in lower case, for names that come as fresh strings with every request: most are known not
 * to be in it by their length, first and last letter, which spares hashing them.
 *
 * Names that differ only in marks are the same here: `x_user_id` and `x.user.id` are `x-user-id`. Servers that hand
 * headers on as variables write `_` for `-` (CGI, WSGI), and some of them for every other mark too.
 */
export class NameSet {
  private readonly names: ReadonlySet<string>;
  /** By length, one bit for each letter that a name of that length begins with. */
  private readonly first = new Int32Array(MASKED_LENGTH);
  /** The same for how it ends. */
  private readonly last = new Int32Array(MASKED_LENGTH);

  constructor(names: Iterable<string>) {
    this.names = new Set(Array.from(names, fieldSpelling));
    for (const name of this.names) {
      const { length } = name;
      if (length >= MASKED_LENGTH) continue;
      this.first[length] = (this.first[length] as number) | maskOf(name.charAt(0));
      this.last[length] = (this.last[length] as number) | maskOf(name.charAt(length - 1));
    }
  }

  /** @param name in lower case. */
  has(name: string): boolean {
    const { length } = name;
    if (length < MASKED_LENGTH) {
      if (((this.first[length] as number) & bitOf(name.charCodeAt(0))) === 0) return false;
      if (((this.last[length] as number) & bitOf(name.charCodeAt(length - 1))) === 0) return false;
    }
    return this.names.has(name) || (UNUSUAL.test(name) && this.names.has(fieldSpelling(name)));
  }
}

function bitOf(code: number): number {
  return 1 << (code & 31);
}

/** Any mark may stand where the spelling has `-`. */
function maskOf(letter: string): number {
  return letter === '-' ? EVERY_LETTER : bitOf(letter.charCodeAt(0));
}
