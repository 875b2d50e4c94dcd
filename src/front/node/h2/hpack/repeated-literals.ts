import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { DecodedField } from './field.ts';

/** Bytes of a coded value from which a comparison is much cheaper than to decode and judge it again. */
export const LONG_BYTES = 64;
/** Bytes of the longest value that is kept; tokens and cookies have some hundreds to two thousand. */
const MAX_BYTES = 4096;
/** Places for values, a power of two: the tokens of a thousand users rarely meet. */
const PLACES = 4096;
/** Bytes of all kept values, coded and decoded. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Bytes of a value that its hash takes, in equal distances. */
const SAMPLES = 16;

/** Begins each hash. */
const SECRET = randomBytes(4).readInt32LE();

interface Kept {
  readonly hash: number;
  readonly field: DecodedField;
  /** The value as it was sent, with its length. */
  readonly coded: Buffer;
}

/**
 * Long values that clients send as literals again and again. Many encoders never index a token (RFC 7541 §7.1.3), so each
 * request brings it whole. All connections of a front share the values, because a proxy sends the requests of one user on
 * several connections. A value is kept when its hash has come twice in a row at its place, so that values that come once
 * cost no memory. A client that fills all places with its own values costs the others only the time to decode theirs.
 *
 * The time of a request must not tell a client how much of its guess is right. So only a value with the same hash is
 * compared, byte by byte. The hash takes bytes of all parts, which a client without the value does not know, and begins
 * with a secret, so that a client cannot search values with the same hash.
 */
export class RepeatedLiterals {
  /** The last hash at each place; made with the first value. */
  #hashes: Int32Array | undefined;
  #kept: (Kept | undefined)[] = [];
  #bytes = 0;
  /** Of the value that `recall` did not find. */
  #hash = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The field with this name and the value whose coded string, from its length on, is [from, to) of `bytes`; undefined
   * when it is not known. The caller then decodes it and calls `keep`.
   */
  recall(name: string, bytes: Buffer, from: number, to: number): DecodedField | undefined {
    const hash = hashOf(bytes, from, to);
    this.#hash = hash;
    const kept = this.#kept[hash & (PLACES - 1)];
    if (kept === undefined || kept.hash !== hash) return undefined;
    if (kept.coded.length !== to - from || kept.field.name !== name) return undefined;
    return kept.coded.compare(bytes, from, to) === 0 ? kept.field : undefined;
  }

  /** Keeps a field that the last `recall` did not find, if its hash came the last time too. */
  keep(field: DecodedField, bytes: Buffer, from: number, to: number): void {
    if (to - from > MAX_BYTES) return;
    this.#hashes ??= new Int32Array(PLACES);
    const hash = this.#hash;
    const place = hash & (PLACES - 1);
    if (this.#hashes[place] !== hash) {
      this.#hashes[place] = hash;
      return;
    }
    const size = to - from + field.size;
    if (this.#bytes + size > MOST_BYTES) this.#clear();
    const before = this.#kept[place];
    if (before !== undefined) this.#bytes -= before.coded.length + before.field.size;
    if (this.#kept.length === 0) this.#kept = new Array<undefined>(PLACES).fill(undefined);
    this.#kept[place] = { hash, field, coded: Buffer.from(bytes.subarray(from, to)) };
    this.#bytes += size;
  }

  #clear(): void {
    this.#kept = [];
    this.#bytes = 0;
  }
}

/** A hash of 16 bytes from all parts of [from, to), among them the last one, and of their number. */
function hashOf(bytes: Buffer, from: number, to: number): number {
  const step = Math.floor((to - from) / SAMPLES);
  let hash = SECRET ^ (to - from);
  for (let at = to - 1, left = SAMPLES; left > 0; left -= 1, at -= step) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
