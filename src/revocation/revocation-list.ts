import type { Revocations, TokenMarks } from '../types.ts';
import type { MarkReader } from './mark-reader.ts';
import { type Marks, markNames, type Revocation } from './revocation.ts';

/**
 * Seconds of one bucket of entries that end together. The list may hold an entry this much longer than needed, and a
 * sweep walks over one bucket for each such time that a token can live: 144 for a day.
 */
const BUCKET_SECONDS = 600;
/** Entries looked at in one sweep, well below a millisecond; a sweep each second keeps up with 172 million a day. */
const SWEEP_ENTRIES = 2_000;

/** What stands in a key for a mark that the token does not have; every other part begins with a digit. */
const ABSENT = '-';

interface Entry {
  readonly shape: number;
  readonly key: string;
  /** Undefined for the entry of tokens that lack a mark; see `add`. */
  readonly marks: Marks | undefined;
  before: number;
  expiresAt: number;
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
      const shape = shapeOf(revocation);
      const key = keyOf(namesOf(shape), revocation);
      if (this.#shapes.get(shape)?.entries.has(key) !== true) added.add(`${shape} ${key}`);
    }
    return this.#size + added.size <= this.#limit;
  }

  /**
   * Puts a revocation in force, also beyond the limit: whoever must keep to it asks `hasRoomFor` before. Says whether
   * it revokes anything that was not revoked already.
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

  /** Each revocation in force, in no order; more may be added while they are read. */
  *all(): Generator<Revocation> {
    for (const { entries } of this.#shapes.values()) {
      for (const { marks, before, expiresAt } of entries.values()) {
        if (marks !== undefined) yield { ...marks, before, expiresAt };
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

  #put(shape: number, key: string, { before, expiresAt }: Revocation, marks: Marks | undefined): boolean {
    let members = this.#shapes.get(shape);
    if (members === undefined) {
      members = { names: namesOf(shape), entries: new Map() };
      this.#shapes.set(shape, members);
    }
    const known = members.entries.get(key);
    if (known === undefined) {
      const entry: Entry = { shape, key, marks, before, expiresAt };
      members.entries.set(key, entry);
      if (marks !== undefined) this.#size += 1;
      this.#schedule(entry);
      return true;
    }
    const changed = before > known.before || expiresAt > known.expiresAt;
    known.before = Math.max(before, known.before);
    // The bucket is left as it is: when its time has come, the entry moves on.
    known.expiresAt = Math.max(expiresAt, known.expiresAt);
    return changed;
  }

  #schedule(entry: Entry): void {
    if (entry.expiresAt === Number.POSITIVE_INFINITY) return;
    const at = bucketOf(entry.expiresAt);
    const bucket = this.#buckets.get(at);
    if (bucket === undefined) this.#buckets.set(at, [entry]);
    else bucket.push(entry);
  }

  #remove({ shape, key, marks }: Entry): void {
    const entries = this.#shapes.get(shape)?.entries;
    if (entries?.delete(key) !== true) return;
    if (marks !== undefined) this.#size -= 1;
    if (entries.size === 0) this.#shapes.delete(shape);
  }
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
