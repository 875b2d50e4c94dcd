/** Rounds after the last word. */
const LAST_ROUNDS = 4;

/**
 * A hash of texts under a secret: the rounds of HalfSipHash (Aumasson and Bernstein, "SipHash"; the variant of 32-bit
 * words), one for each word and four at the end, on UTF-16 units. Without the secret a client cannot choose texts that
 * have equal hashes or crowd a table.
 */
export class KeyedHash {
  readonly #k0: number;
  readonly #k1: number;

  /** @param secret two numbers of 32 bits, with or without sign. */
  constructor(secret: readonly [number, number]) {
    this.#k0 = secret[0] | 0;
    this.#k1 = secret[1] | 0;
  }

  /** A whole number from 1 to 2^53 - 1; its low bits are as good as any. */
  of(text: string): number {
    let v0 = this.#k0;
    let v1 = this.#k1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    const { length } = text;
    // Two units make a word; the last word holds a unit that is left, and the length.
    const words = (length >> 1) + 1;
    for (let at = 0; at < words + LAST_ROUNDS; at += 1) {
      let word = 0;
      if (at < words - 1) word = text.charCodeAt(2 * at) | (text.charCodeAt(2 * at + 1) << 16);
      else if (at === words - 1)
        word = (length << 16) | ((length & 1) === 1 ? text.charCodeAt(length - 1) : 0);
      if (at === words) v2 ^= 0xee;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return ((v1 ^ v3) >>> 0) + ((v0 ^ v2) & 0x1fffff) * 0x1_0000_0000 || 1;
  }
}
