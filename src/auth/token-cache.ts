import { LRUCache } from 'lru-cache';
import type { Permit, Rejection } from '../types.ts';
import type { Access } from './access.ts';
import type { Issuer } from './issuer.ts';
import type { Scratch } from './scratch.ts';

/** Characters of the signature's end that find an entry: 256 bits. V8 hashes these instead of the whole value. */
const TAIL = 43;
/**
 * Bytes an entry takes besides its texts: the entry, its permit, two boxed numbers, the sliced key, string headers
 * and its slots in the map and the lists of lru-cache. Measured as 385, rounded up.
 */
const ENTRY_OVERHEAD = 400;

/** A token whose signature was verified; every other rule is checked again on each use. */
export interface CacheEntry {
  /** The whole Authorization value in its canonical spelling, `Bearer` and one space before the token. */
  readonly authorization: string;
  /** The end of `authorization`, under which the entry is found. */
  readonly tail: string;
  readonly issuer: Issuer;
  /** Of the issuer's key set; the entry is void under any other. */
  readonly generation: number;
  /** Wall-clock milliseconds, tolerance included. */
  readonly expiresAt: number;
  readonly notBefore: number;
  /** The last route's demands and the answer under them; other demands are answered anew. */
  readonly access: Access;
  readonly answer: Permit | Rejection;
}

/**
 * Verified tokens, bounded by entries and by bytes, least recently used first to go.
 *
 * Found by the tail of the signature and then compared as a whole, so a token that borrows another's signature is
 * a miss, and only `put`, which follows a successful verification, ever displaces an entry or renews its place.
 * The cache knows no time: lru-cache's own lifetimes would need refreshing rules that tokens must not have.
 */
export class TokenCache {
  readonly #entries: LRUCache<string, CacheEntry>;
  readonly #scratch: Scratch;

  constructor(bounds: { readonly entries: number; readonly bytes: number }, scratch: Scratch) {
    // To lru-cache zero means no bound.
    if (bounds.entries < 1 || bounds.bytes < 1)
      throw new RangeError('a token cache holds at least one entry');
    this.#scratch = scratch;
    this.#entries = new LRUCache({
      max: bounds.entries,
      maxSize: bounds.bytes,
      sizeCalculation: entryBytes,
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes the entries are estimated to take. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** The entry of exactly this Authorization value; leaves the order of use alone. */
  find(authorization: string): CacheEntry | undefined {
    const entry = this.#entries.peek(authorization.slice(-TAIL));
    return entry !== undefined && entry.authorization === authorization ? entry : undefined;
  }

  /** Notes that the entry was of use. */
  touch(entry: CacheEntry): void {
    this.#entries.get(entry.tail);
  }

  put(entry: Omit<CacheEntry, 'tail'>): void {
    const { authorization, issuer, generation, expiresAt, notBefore, access, answer } = entry;
    // A copy of its own: a slice of the request's head would keep the whole head alive and make the bound a lie.
    const text = this.#scratch.copy(authorization);
    const tail = text.slice(-TAIL);
    this.#entries.set(tail, {
      authorization: text,
      tail,
      issuer,
      generation,
      expiresAt,
      notBefore,
      access,
      answer,
    });
  }

  delete(entry: CacheEntry): void {
    this.#entries.delete(entry.tail);
  }
}

function entryBytes(entry: CacheEntry): number {
  const block = entry.answer.kind === 'permit' ? entry.answer.headers.length : 0;
  return ENTRY_OVERHEAD + entry.authorization.length + block;
}
