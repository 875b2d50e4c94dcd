/** Header names are at most this long to have a place in the mask, in characters; longer ones are looked up. */
const MASKED_LENGTH = 64;

/**
 * A set of header names in lower case, for names that come as fresh strings with every request: most are known not
 * to be in it by their length and first letter, which spares hashing them.
 */
export class NameSet {
  private readonly names: ReadonlySet<string>;
  /** By length, one bit for each first letter that a name of that length begins with. */
  private readonly mask = new Int32Array(MASKED_LENGTH);

  constructor(names: Iterable<string>) {
    this.names = new Set(names);
    for (const name of this.names) {
      if (name.length < MASKED_LENGTH) {
        this.mask[name.length] = (this.mask[name.length] as number) | (1 << (name.charCodeAt(0) & 31));
      }
    }
  }

  has(name: string): boolean {
    const { length } = name;
    if (length < MASKED_LENGTH && ((this.mask[length] as number) & (1 << (name.charCodeAt(0) & 31))) === 0) {
      return false;
    }
    return this.names.has(name);
  }
}
