import type { Revocations, TokenMarks } from '../auth/revocations.ts';
import type { MarkReader } from './mark-reader.ts';
import { type Foreign, type Marks, markNames, type Revocation } from './revocation.ts';

/**
 * Seconds of one bucket of entries that end together. The list may hold an entry this much longer than needed, and a
 * sweep walks over one bucket for each such time that a token can live: 144 for a day.
 */
const BUCKET_SECONDS = 600;
/** Entries looked at in one sweep, well below a millisecond; a sweep each second keeps up with 172 million a day. */
const SWEEP_ENTRIES = 2_000;

/** The part of the room, one in so many, that what Redis told cannot use, so that what is told here finds some. */
const RESERVED = 10;
/** In `Entry`: nothing of it was told here. Every time that was is later. */
const NOT_OWN = -1;

/** What stands in a key for a mark that the token does not have; every other part begins with a digit. */
const ABSENT = '-';

interface Entry {
  readonly shape: number;
  readonly key: string;
  /** Undefined for the entry of tokens that lack a mark; see `add`. */
  readonly marks: Marks | undefined;
  before: number;
  expiresAt: number;
  /** As much of these two as was told here; the rest goes with what Redis told. */
  ownBefore: number;
  ownExpiresAt: number;
  /** Who told the rest. */
  from: Foreign | undefined;
}

/** One way to revoke: the marks that are demanded, and what is revoked by them. */
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
 * The revocations in force. A look-up costs one search per combination of marks in use (31 at most, three or four in
 * practice), however many revocations there are.
 */
export class RevocationList implements Revocations {
  readonly #limit: number;
  readonly #marks: MarkReader;
  readonly #shapes = new Map<number, Shape>();
  readonly #buckets = new Map<number, Entry[]>();
  #generation = 1;
  #size = 0;
  /** Of these, how many only Redis told. */
  #foreign = 0;

  constructor(options: RevocationListOptions) {
    this.#limit = options.limit;
    this.#marks = options.marks;
  }

  get generation(): number {
    return this.#generation;
  }

  get size(): number {
    return this.#size;
  }

  /** How many of them only Redis told. */
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

  /** Whether all of these have room; none is ever dropped to make some. */
  hasRoomFor(revocations: readonly Revocation[]): boolean {
    if (this.#size + revocations.length <= this.#limit) return true;
    const added = new Set<string>();
    for (const revocation of revocations) {
      if (!this.#knows(revocation))
        added.add(`${shapeOf(revocation)} ${keyOf(namesOf(shapeOf(revocation)), revocation)}`);
    }
    return this.#size + added.size <= this.#limit;
  }

  /** Whether one that Redis told has room; the last tenth, at least one, is kept for what is told here. */
  hasRoomForForeign(revocation: Revocation): boolean {
    const most = this.#limit - Math.ceil(this.#limit / RESERVED);
    return (this.#foreign < most && this.hasRoom) || this.#knows(revocation);
  }

  /**
   * Puts a revocation in force, also beyond the limit: a caller that must keep to it asks `hasRoomFor` before. Says
   * whether it revokes anything that was not revoked already.
   *
   * A token of the same subject that lacks the session or the application cannot show that it belongs to another one,
   * so it is revoked with them.
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
    if (changed) this.#generation += 1;
    return changed;
  }

  /** Forgets what has ended at `now`, wall-clock seconds; a part of it when there is much. */
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

  /** Forgets what only Redis told; how many that were. What was told here stays as it was told. */
  dropForeign(): number {
    const before = this.#size;
    // Made anew, or what is dropped again and again would fill them.
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
    this.#generation += 1;
    return before - this.#size;
  }

  /**
   * Each revocation in force, in no order; more may be added while they are read. One that was told here and by Redis
   * comes twice where Redis told more.
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

  /** The first and the last `before` that is a time; undefined where there is none. */
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
    // The bucket is left as it is: when its time has come, the entry moves on.
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
    // One that was dropped may have been told again since: that is another.
    if (entries?.get(entry.key) !== entry) return;
    entries.delete(entry.key);
    if (marks !== undefined) {
      this.#size -= 1;
      if (ownBefore === NOT_OWN) this.#foreign -= 1;
    }
    if (entries.size === 0) this.#shapes.delete(shape);
  }
}

/** Who told what was not told here: signed only when nothing unsigned is mixed in. */
function originOf(known: Entry, told: Revocation, from: Foreign): Foreign | undefined {
  if (told.before >= known.before && told.expiresAt >= known.expiresAt) return from;
  const isMore = told.before > known.before || told.expiresAt > known.expiresAt;
  if (!isMore) return known.from;
  return from === 'redis' ? from : (known.from ?? from);
}

function bucketOf(seconds: number): number {
  return Math.floor(seconds / BUCKET_SECONDS);
}

function marksOf({ issuer, jti, sub, sid, application }: Revocation): Marks {
  return { issuer, jti, sub, sid, application };
}

/** One bit for each mark that is demanded. */
function shapeOf(marks: Marks): number {
  return markNames.reduce((shape, name, bit) => (marks[name] === undefined ? shape : shape | (1 << bit)), 0);
}

function namesOf(shape: number): readonly (keyof Marks)[] {
  return markNames.filter((_, bit) => (shape & (1 << bit)) !== 0);
}

/** Lengths stand before the texts, so that no two lists of marks have one key. */
function keyOf(names: readonly (keyof Marks)[], marks: Marks): string {
  let key = '';
  for (const name of names) {
    const text = marks[name];
    key += text === undefined ? ABSENT : `${text.length}:${text}`;
  }
  return key;
}
