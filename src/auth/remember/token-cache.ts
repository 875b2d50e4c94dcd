import { LRUCache } from 'lru-cache';
import type { Issuer } from '../policy/issuer.ts';
import type { Policy } from '../policy/policy.ts';
import { signatureSlot } from '../read/signature-hash.ts';
import type { TokenMarks } from '../revocations.ts';
import type { Permit, Rejection } from '../verdict.ts';

/** Characters of an entry's key, the end of the signature: 256 bits. V8 hashes the key instead of the whole value. */
const KEY_LENGTH = 43;
/**
 * Bytes of an entry without its texts: the entry, its permit, two boxed numbers, the sliced key, string headers, and
 * its slots in the map and the lists of lru-cache. Measured as 385.
 */
const ENTRY_OVERHEAD = 400;
/** Bytes of the marks: an object of six fields and four short strings. */
const MARKS_BYTES = 250;

/**
 * Seconds between two renewals of an entry's place in the order of use. The order stays exact enough to choose what to
 * evict, and a token in heavy use does not pay for it on every request.
 */
const RENEW_AFTER = 1;

/** Slots of the fast path, a power of two: 512 KiB, so many that tokens in heavy use rarely share a slot. */
const SLOTS = 1 << 16;

/** A verified token. Times and revocations are compared again on each use. */
export interface CacheEntry {
  /** The whole Authorization value in its canonical spelling, `Bearer` and one space before the token. */
  readonly authorization: string;
  /** The end of `authorization`. */
  readonly key: string;
  readonly issuer: Issuer;
  /** The issuer's number when the token was verified. Under another number the entry does not count. */
  readonly keyRemovals: number;
  /** Wall-clock seconds, tolerance included. */
  readonly expiresAt: number;
  readonly notBefore: number;
  /** The last policy for which the token was judged. */
  readonly policy: Policy;
  /** The verdict under that policy. */
  readonly verdict: Permit | Rejection;
  /** The marks by which the token can be revoked; undefined when nothing can be revoked. */
  readonly marks: TokenMarks | undefined;
  /** Version of the last revocations that do not revoke the token. */
  revocationsVersion: number;
  /** Wall-clock second of the last renewal of its place in the order of use. */
  renewedAt: number;
}

/**
 * Verified tokens, bounded by entries and by bytes. The least recently used entry is evicted first.
 *
 * An entry is found by the end of its signature and then compared as a whole: a token with the signature of another one
 * is a miss. Only `put`, after a verification, displaces an entry. The cache does not know times: lru-cache renews the
 * lifetime of an entry with its use, which tokens must not have.
 */
export class TokenCache {
  readonly #entries: LRUCache<string, CacheEntry>;
  /**
   * A fast path to entries in use: the last entry that was found, for each value of `signatureSlot`. It spares a hit
   * the hash of its key and the search in the map.
   */
  readonly #slots: (CacheEntry | undefined)[];
  /** The number of entries for each slot. Where it is 0 a token is new, and needs no search in the map. */
  readonly #population = new Uint32Array(SLOTS);
  readonly #bytes: number;

  constructor(bounds: { readonly entries: number; readonly bytes: number }) {
    // lru-cache takes zero for no bound.
    if (bounds.entries < 1 || bounds.bytes < 1)
      throw new RangeError('a token cache holds at least one entry');
    this.#bytes = bounds.bytes;
    this.#entries = new LRUCache({
      max: bounds.entries,
      maxSize: bounds.bytes,
      sizeCalculation: entryBytes,
      dispose: (entry) => this.#vacate(entry),
    });
    this.#slots = new Array<CacheEntry | undefined>(SLOTS).fill(undefined);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that the entries are estimated to take. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** The entry of exactly this Authorization value. Leaves the order of use as it is. */
  find(authorization: string): CacheEntry | undefined {
    const slot = signatureSlot(authorization, SLOTS);
    const near = this.#slots[slot];
    if (near !== undefined && near.authorization === authorization) return near;
    if (this.#population[slot] === 0) return undefined;
    const entry = this.#entries.peek(authorization.slice(-KEY_LENGTH));
    if (entry === undefined || entry.authorization !== authorization) return undefined;
    this.#slots[slot] = entry;
    return entry;
  }

  /** Renews the place of an entry in the order of use. `now`: wall-clock seconds. */
  touch(entry: CacheEntry, now: number): void {
    // The distance, because a clock that was set back must not stop renewals.
    if (Math.abs(now - entry.renewedAt) < RENEW_AFTER) return;
    entry.renewedAt = compact(Math.floor(now));
    this.#entries.get(entry.key);
  }

  /** The `authorization` must not be a slice of a longer string, which it would keep alive beyond the bound. */
  put(entry: Omit<CacheEntry, 'key' | 'renewedAt'>): void {
    const { authorization, issuer, keyRemovals, expiresAt, notBefore, policy, verdict, marks } = entry;
    const key = authorization.slice(-KEY_LENGTH);
    const added: CacheEntry = {
      authorization,
      key,
      issuer,
      keyRemovals,
      expiresAt: compact(expiresAt),
      notBefore: compact(Math.max(0, notBefore)),
      policy,
      verdict,
      marks,
      revocationsVersion: entry.revocationsVersion,
      renewedAt: 0,
    };
    // lru-cache would silently drop the entry, and the population would count it.
    if (entryBytes(added) > this.#bytes) return;
    this.#entries.set(key, added);
    this.#count(signatureSlot(authorization, SLOTS), 1);
  }

  delete(entry: CacheEntry): void {
    this.#entries.delete(entry.key);
  }

  #count(slot: number, change: number): void {
    this.#population[slot] = (this.#population[slot] as number) + change;
  }

  /** The fast path must not find an entry that has left the cache, however it left. */
  #vacate(entry: CacheEntry): void {
    const slot = signatureSlot(entry.authorization, SLOTS);
    this.#count(slot, -1);
    if (this.#slots[slot] === entry) this.#slots[slot] = undefined;
  }
}

/**
 * V8 keeps small whole numbers in their object, and others elsewhere in memory, where a hit misses the processor's
 * cache.
 */
function compact(value: number): number {
  const whole = value | 0;
  return whole === value ? whole : value;
}

function entryBytes(entry: CacheEntry): number {
  const { verdict } = entry;
  const block = verdict.kind === 'permit' ? verdict.headers.length + (verdict.claims?.length ?? 0) : 0;
  return ENTRY_OVERHEAD + entry.authorization.length + block + (entry.marks === undefined ? 0 : MARKS_BYTES);
}
