import type { Revocations, TokenMarks } from '../auth/revocations.ts';
import type { MarkReader } from './mark-reader.ts';
import { type Foreign, type Marks, markNames, type Revocation } from './revocation.ts';

/**
 * Seconds of one bucket of entries that end together. An entry may stay this much longer than needed. A sweep walks over
 * as many buckets as fit into a token's life: 144 for a day.
 */
const BUCKET_SECONDS = 600;
/** Entries of one sweep, which takes far less than a millisecond; a sweep each second manages 172 million a day. */
const SWEEP_ENTRIES = 2_000;

/** The part of the room, as a reciprocal, that revocations from Redis cannot use, so that own ones find room. */
const RESERVED = 10;
/** In `Entry`: no part of it is our own. Every real time is later. */
const NOT_OWN = -1;

/** The part of a key for a missing mark; every other part begins with a digit. */
const ABSENT = '-';

interface Entry {
  readonly shape: number;
  readonly key: string;
  /** Undefined for an entry that hits tokens without some mark; see `add`. */
  readonly marks: Marks | undefined;
  before: number;
  expiresAt: number;
  /** The own part of these two; the rest ends when the revocations from Redis are dropped. */
  ownBefore: number;
  ownExpiresAt: number;
  /** The source of the rest. */
  from: Foreign | undefined;
}

/** One combination of demanded marks, and its entries. */
interface Shape {
  readonly names: readonly (keyof Marks)[];
  readonly entries: Map<string, Entry>;
}

export interface RevocationListOptions {
  /** Revocations that may be in force at one time. */
  readonly limit: number;
  readonly marks: MarkReader;
}

/**
 * The revocations in force. The check of a token costs one search for each combination of marks in use (31 at most, three
 * or four in practice), however many revocations there are.
 */
export class RevocationList implements Revocations {
  readonly #limit: number;
  readonly #marks: MarkReader;
  readonly #shapes = new Map<number, Shape>();
  readonly #buckets = new Map<number, Entry[]>();
  #version = 1;
  #size = 0;
  /** The number of revocations that came only from Redis. */
  #foreign = 0;

  constructor(options: RevocationListOptions) {
    this.#limit = options.limit;
    this.#marks = options.marks;
  }

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of revocations that came only from Redis. */
  get foreign(): number {
    return this.#foreign;
  }

  get hasRoom(): boolean {
    return this.#size < this.#limit;
  }

  marks(issuer: string, claims: Readonly<Record<string, unknown>>): TokenMarks {
    return this.#marks.read(issuer, claims);
  }

  cover(marks: TokenMarks): boolean {
    for (const { names, entries } of this.#shapes.values()) {
      const entry = entries.get(keyOf(names, marks));
      if (entry !== undefined && marks.issuedAt <= entry.before) return true;
    }
    return false;
  }

  /** Whether there is room for all of these. The list never drops a revocation to make room. */
  hasRoomFor(revocations: readonly Revocation[]): boolean {
    if (this.#size + revocations.length <= this.#limit) return true;
    const added = new Set<string>();
    for (const revocation of revocations) {
      if (!this.#knows(revocation))
        added.add(`${shapeOf(revocation)} ${keyOf(namesOf(shapeOf(revocation)), revocation)}`);
    }
    return this.#size + added.size <= this.#limit;
  }

  /** Whether there is room for a revocation from Redis. The last tenth, at least one place, is for own revocations. */
  hasRoomForForeign(revocation: Revocation): boolean {
    const most = this.#limit - Math.ceil(this.#limit / RESERVED);
    return (this.#foreign < most && this.hasRoom) || this.#knows(revocation);
  }

  /**
   * Puts a revocation in force. It does not check the limit; callers ask `hasRoomFor` before.
   *
   * A token of the same subject without session or application cannot prove that it belongs to another one, so it is
   * revoked too.
   * @returns whether it revokes anything that was not revoked already.
   */
  add(revocation: Revocation): boolean {
    const shape = shapeOf(revocation);
    const names = namesOf(shape);
    let changed = this.#put(shape, keyOf(names, revocation), revocation, marksOf(revocation));
    if (revocation.sub !== undefined && revocation.jti === undefined) {
      const { sid, application } = revocation;
      const without: Marks[] = [];
      if (sid !== undefined) without.push({ ...revocation, sid: undefined });
      if (application !== undefined) without.push({ ...revocation, application: undefined });
      if (without.length === 2) without.push({ ...revocation, sid: undefined, application: undefined });
      for (const marks of without) {
        changed = this.#put(shape, keyOf(names, marks), revocation, undefined) || changed;
      }
    }
    if (changed) this.#version += 1;
    return changed;
  }

  /** Removes revocations that have ended at `now`, wall-clock seconds, at most `SWEEP_ENTRIES` at a time. */
  sweep(now: number): void {
    let left = SWEEP_ENTRIES;
    for (const [at, bucket] of this.#buckets) {
      if (at >= bucketOf(now)) continue;
      for (let entry = bucket.pop(); entry !== undefined; entry = bucket.pop()) {
        if (entry.expiresAt > now) this.#schedule(entry);
        else this.#remove(entry);
        left -= 1;
        if (left === 0) return;
      }
      this.#buckets.delete(at);
    }
  }

  /** Removes the revocations that came only from Redis and returns their number. Own revocations stay unchanged. */
  dropForeign(): number {
    const before = this.#size;
    // Fills the buckets again, because entries that are dropped repeatedly would pile up in them.
    this.#buckets.clear();
    for (const { entries } of this.#shapes.values()) {
      for (const entry of entries.values()) {
        if (entry.ownBefore === NOT_OWN) this.#remove(entry);
        else {
          entry.before = entry.ownBefore;
          entry.expiresAt = entry.ownExpiresAt;
          entry.from = undefined;
          this.#schedule(entry);
        }
      }
    }
    this.#version += 1;
    return before - this.#size;
  }

  /**
   * Each revocation in force, in no order; callers may add more while they read. Yields a revocation that Redis extends
   * twice.
   */
  *all(): Generator<Revocation> {
    for (const { entries } of this.#shapes.values()) {
      for (const { marks, before, expiresAt, ownBefore, ownExpiresAt, from } of entries.values()) {
        if (marks === undefined) continue;
        if (ownBefore !== NOT_OWN) yield { ...marks, before: ownBefore, expiresAt: ownExpiresAt };
        if (before > ownBefore || expiresAt > ownExpiresAt) yield { ...marks, before, expiresAt, from };
      }
    }
  }

  /** The first and the last `before` that is a finite time; undefined when there is none. */
  span(): { readonly oldest: number | undefined; readonly newest: number | undefined } {
    let oldest = Number.POSITIVE_INFINITY;
    let newest = Number.NEGATIVE_INFINITY;
    for (const { entries } of this.#shapes.values()) {
      for (const { before } of entries.values()) {
        if (before < oldest) oldest = before;
        if (before > newest && before !== Number.POSITIVE_INFINITY) newest = before;
      }
    }
    if (newest === Number.NEGATIVE_INFINITY) return { oldest: undefined, newest: undefined };
    return { oldest, newest };
  }

  #knows(revocation: Revocation): boolean {
    const shape = shapeOf(revocation);
    return this.#shapes.get(shape)?.entries.has(keyOf(namesOf(shape), revocation)) === true;
  }

  #put(shape: number, key: string, revocation: Revocation, marks: Marks | undefined): boolean {
    const { before, expiresAt, from } = revocation;
    let members = this.#shapes.get(shape);
    if (members === undefined) {
      members = { names: namesOf(shape), entries: new Map() };
      this.#shapes.set(shape, members);
    }
    const known = members.entries.get(key);
    if (known === undefined) {
      const [ownBefore, ownExpiresAt] = from === undefined ? [before, expiresAt] : [NOT_OWN, NOT_OWN];
      const entry: Entry = { shape, key, marks, before, expiresAt, ownBefore, ownExpiresAt, from };
      members.entries.set(key, entry);
      if (marks !== undefined) {
        this.#size += 1;
        if (from !== undefined) this.#foreign += 1;
      }
      this.#schedule(entry);
      return true;
    }
    const isMore = before > known.before || expiresAt > known.expiresAt;
    const changed = from === undefined ? this.#addOwn(known, before, expiresAt) || isMore : isMore;
    if (from !== undefined) known.from = originOf(known, revocation, from);
    known.before = Math.max(before, known.before);
    // The entry stays in its bucket; the sweep moves it to a later one.
    known.expiresAt = Math.max(expiresAt, known.expiresAt);
    return changed;
  }

  #addOwn(known: Entry, before: number, expiresAt: number): boolean {
    if (known.ownBefore === NOT_OWN && known.marks !== undefined) this.#foreign -= 1;
    const changed = before > known.ownBefore || expiresAt > known.ownExpiresAt;
    known.ownBefore = Math.max(before, known.ownBefore);
    known.ownExpiresAt = Math.max(expiresAt, known.ownExpiresAt);
    return changed;
  }

  #schedule(entry: Entry): void {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return;
    const at = bucketOf(entry.expiresAt);
    const bucket = this.#buckets.get(at);
    if (bucket === undefined) this.#buckets.set(at, [entry]);
    else bucket.push(entry);
  }

  #remove(entry: Entry): void {
    const { shape, marks, ownBefore } = entry;
    const entries = this.#shapes.get(shape)?.entries;
    // After it was dropped, another entry may have the same key.
    if (entries?.get(entry.key) !== entry) return;
    entries.delete(entry.key);
    if (marks !== undefined) {
      this.#size -= 1;
      if (ownBefore === NOT_OWN) this.#foreign -= 1;
    }
    if (entries.size === 0) this.#shapes.delete(shape);
  }
}

/** The source of the part that is not our own: signed only if no unsigned part is mixed in. */
function originOf(known: Entry, added: Revocation, from: Foreign): Foreign | undefined {
  if (added.before >= known.before && added.expiresAt >= known.expiresAt) return from;
  const isMore = added.before > known.before || added.expiresAt > known.expiresAt;
  if (!isMore) return known.from;
  return from === 'redis' ? from : (known.from ?? from);
}

function bucketOf(seconds: number): number {
  return Math.floor(seconds / BUCKET_SECONDS);
}

function marksOf({ issuer, jti, sub, sid, application }: Revocation): Marks {
  return { issuer, jti, sub, sid, application };
}

/** One bit for each demanded mark. */
function shapeOf(marks: Marks): number {
  return markNames.reduce((shape, name, bit) => (marks[name] === undefined ? shape : shape | (1 << bit)), 0);
}

function namesOf(shape: number): readonly (keyof Marks)[] {
  return markNames.filter((_, bit) => (shape & (1 << bit)) !== 0);
}

/** The key of a list of marks. Each text has its length in front, so no two lists have one key. */
function keyOf(names: readonly (keyof Marks)[], marks: Marks): string {
  let key = '';
  for (const name of names) {
    const text = marks[name];
    key += text === undefined ? ABSENT : `${text.length}:${text}`;
  }
  return key;
}
