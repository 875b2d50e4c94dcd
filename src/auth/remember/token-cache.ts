import { LRUCache } from 'lru-cache';
import type { Issuer } from '../policy/issuer.ts';
import type { Policy } from '../policy/policy.ts';
import { signatureSlot } from '../read/signature-hash.ts';
import type { TokenMarks } from '../revocations.ts';
import type { Permit, Rejection } from '../verdict.ts';

/** Characters of the signature's end that find an entry: 256 bits. V8 hashes these instead of the whole value. */
const KEY_LENGTH = 43;
/**
 * Bytes an entry takes besides its texts: the entry, its permit, two boxed numbers, the sliced key, string headers
 * and its slots in the map and the lists of lru-cache. Measured as 385, rounded up.
 */
const ENTRY_OVERHEAD = 400;
/** Bytes of the marks: an object of six fields and four short texts of its own. */
const MARKS_BYTES = 250;

/**
 * An entry's place in the order of use is renewed at most this often, in seconds: the order is exact enough to
 * choose what to evict, and a token in heavy use does not pay for it on every request.
 */
const RENEW_AFTER = 1;

/** Slots of the short way, a power of two: 512 KiB, enough that tokens in heavy use rarely share one. */
const SLOTS = 1 << 16;

/** A token whose signature was verified; every other rule is checked again on each use. */
export interface CacheEntry {
  /** The whole Authorization value in its canonical spelling, `Bearer` and one space before the token. */
  readonly authorization: string;
  /** The end of `authorization`, under which the entry is found. */
  readonly key: string;
  readonly issuer: Issuer;
  /** Of the issuer's key set; the entry is void under any other. */
  readonly generation: number;
  /** Wall-clock seconds, tolerance included. */
  readonly expiresAt: number;
  readonly notBefore: number;
  /** The last route's demands and the answer under them; other demands are answered anew. */
  readonly policy: Policy;
  readonly answer: Permit | Rejection;
  /** What it can be revoked by; undefined where nothing can be. */
  readonly marks: TokenMarks | undefined;
  /** Generation of the revocations that were found not to cover it. */
  revocationsAt: number;
  /** Wall-clock second of the last renewal of its place in the order of use. */
  renewedAt: number;
}

/**
 * Verified tokens, bounded by entries and by bytes, least recently used first to go.
 *
 * Found by the end of the signature and then compared as a whole, so a token that borrows another's signature is
 * a miss, and only `put`, which follows a successful verification, ever displaces an entry or renews its place.
 * The cache knows no time: lru-cache's own lifetimes would need refreshing rules that tokens must not have.
 */
export class TokenCache {
  readonly #entries: LRUCache<string, CacheEntry>;
  /**
   * A short way to entries in use: one slot for each value of `signatureSlot`, holding the last entry that was found or put
   * there. It spares a hit the hashing of its key and the walk through the map, where an entry without a slot is found.
   */
  readonly #slots: (CacheEntry | undefined)[];
  /** How many entries share each slot: where there are none a token is new, and the walk through the map is spared. */
  readonly #population = new Uint32Array(SLOTS);
  readonly #bytes: number;

  constructor(bounds: { readonly entries: number; readonly bytes: number }) {
    // To lru-cache zero means no bound.
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

  /** Bytes the entries are estimated to take. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** The entry of exactly this Authorization value; leaves the order of use alone. */
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

  /** Notes that the entry was of use at `now`, in wall-clock seconds. */
  touch(entry: CacheEntry, now: number): void {
    // `<` on the distance: a clock that was set back must not stop renewal.
    if (Math.abs(now - entry.renewedAt) < RENEW_AFTER) return;
    entry.renewedAt = compact(Math.floor(now));
    this.#entries.get(entry.key);
  }

  /** The authorization text must be a string of its own: a part of a longer one would make the bound a lie. */
  put(entry: Omit<CacheEntry, 'key' | 'renewedAt'>): void {
    const { authorization, issuer, generation, expiresAt, notBefore, policy, answer, marks } = entry;
    const key = authorization.slice(-KEY_LENGTH);
    const added: CacheEntry = {
      authorization,
      key,
      issuer,
      generation,
      expiresAt: compact(expiresAt),
      notBefore: compact(Math.max(0, notBefore)),
      policy,
      answer,
      marks,
      revocationsAt: entry.revocationsAt,
      renewedAt: 0,
    };
    // lru-cache would not take it and not say so, and the population counts what it took.
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

  /** An entry that left the cache, however it left, must not be found by the short way. */
  #vacate(entry: CacheEntry): void {
    const slot = signatureSlot(entry.authorization, SLOTS);
    this.#count(slot, -1);
    if (this.#slots[slot] === entry) this.#slots[slot] = undefined;
  }
}

/** V8 keeps a number in its object only if it is small and whole, and elsewhere, out of the cache, if it is not. */
function compact(value: number): number {
  const whole = value | 0;
  return whole === value ? whole : value;
}

function entryBytes(entry: CacheEntry): number {
  const block = entry.answer.kind === 'permit' ? entry.answer.headers.length : 0;
  return ENTRY_OVERHEAD + entry.authorization.length + block + (entry.marks === undefined ? 0 : MARKS_BYTES);
}
