import type { Clock } from '../lib/clock.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { RedisError, type Reply } from '../redis/reply-reader.ts';
import { MAX_AHEAD } from './revocation.ts';

/** What was told lately, in order; readers follow it. */
const STREAM = 'portcullis:revocations:stream';
/** What is in force, by the second of its end; a gateway that comes or comes back reads all of it. */
const SNAPSHOT = 'portcullis:revocations:all';
/** Entries kept of the stream, about 20 MB; a reader that has fallen behind further reads the snapshot. */
const STREAM_ENTRIES = 100_000;
/** Revocations sent or read in one piece, a fraction of a millisecond of Redis's time. */
export const AT_ONCE = 500;
/** The same at first and after a piece with long members, as a reply is bounded; doubled while they are not long. */
const FEW_AT_ONCE = 10;
/** Bytes of a reply from which on members are long: what gateways write makes a twentieth at most. */
const LONG_REPLY = 2 * 1024 * 1024;
/** What Redis answers to `XINFO STREAM` where there is no such key. */
const NO_KEY = 'ERR no such key';
/**
 * Milliseconds by which the first id of a stream that is begun anew is ahead, so that it stands behind all that anybody
 * may have read: ours of Redis's clock is behind it by a second at most.
 */
const BEGUN_AHEAD_MS = 2_000;
/** Seconds for which what has ended is left in Redis, for gateways whose clocks are behind. */
const GRACE = 600;

export interface SharedLine {
  readonly line: string;
  readonly expiresAt: number;
}

export interface News {
  /** Undefined for one that is too long to be read. */
  readonly lines: readonly (string | undefined)[];
  /** From which on to read next. */
  readonly last: string;
  readonly isFull: boolean;
  /** Whether more may be missing than what comes next: the stream was begun anew, or somebody has spoiled it. */
  readonly isBroken: boolean;
}

/** The two keys by which gateways share revocations, as anybody may have left them. */
export class RedisKeys {
  readonly #reader: RedisConnection;
  readonly #writer: RedisConnection;
  readonly #clock: Clock;
  /** Redis's clock less our monotonic one, in milliseconds. */
  #offset = 0;

  /** @param reader used by one who waits for each answer; @param writer by many. */
  constructor(reader: RedisConnection, writer: RedisConnection, clock: Clock) {
    this.#reader = reader;
    this.#writer = writer;
    this.#clock = clock;
  }

  /**
   * Begins anew what no gateway can use: a key of another kind, and a stream whose last id is far ahead, as later ones
   * would be refused or not be found. Others may do the same at the same time.
   */
  async mend(): Promise<void> {
    const [seconds] = (await this.#reader.send('TIME')) as readonly string[];
    this.#offset = Number(seconds) * 1000 - this.#clock.monotonic();
    for (const [key, kind] of [
      [STREAM, 'stream'],
      [SNAPSHOT, 'zset'],
    ] as const) {
      await this.#reader.send('WATCH', key);
      const found = await this.#reader.send('TYPE', key);
      const isSpoiled =
        found === 'none' ? false : found !== kind || (key === STREAM && this.#isAhead(await this.#lastId()));
      if (isSpoiled) await this.#begin(this.#reader, key);
      else await this.#reader.send('UNWATCH');
    }
  }

  /** Empties both for all gateways, which then tell again what they were told themselves. */
  async clear(): Promise<void> {
    await this.#begin(this.#writer, STREAM, SNAPSHOT);
  }

  /** Id of the newest entry, from which on to read. */
  async newest(): Promise<string> {
    const [entry] = (await this.#reader.send(
      'XREVRANGE',
      STREAM,
      '+',
      '-',
      'COUNT',
      '1',
    )) as readonly Entry[];
    return entry?.[0] ?? '0-0';
  }

  /** Everything that is in force elsewhere, in pieces; at most so many lines and bytes. Returns whether that was all. */
  async *scan(maxLines: number, maxBytes: number): AsyncGenerator<readonly (string | undefined)[], boolean> {
    const reader = this.#reader;
    const begun = reader.received;
    let lines = 0;
    let count = FEW_AT_ONCE;
    let cursor = '0';
    do {
      const before = reader.received;
      const reply = await reader.send('ZSCAN', SNAPSHOT, cursor, 'COUNT', String(count));
      const [next, pairs] = reply as readonly [string, readonly (string | undefined)[]];
      const members = pairs.filter((_, index) => index % 2 === 0);
      yield members;
      lines += members.length;
      count = reader.received - before > LONG_REPLY ? FEW_AT_ONCE : Math.min(2 * count, AT_ONCE);
      cursor = next;
      if (cursor !== '0' && (lines > maxLines || reader.received - begun > maxBytes)) return false;
    } while (cursor !== '0');
    return true;
  }

  /** Those of at most `AT_ONCE` that the snapshot lacks. */
  async lacking(told: readonly SharedLine[]): Promise<readonly SharedLine[]> {
    const scores = await Promise.all(told.map(({ line }) => this.#reader.send('ZSCORE', SNAPSHOT, line)));
    return told.filter((_, index) => scores[index] === null);
  }

  /** Tells others. Rejects when it may not have reached them. */
  async publish(told: readonly SharedLine[]): Promise<void> {
    for (let from = 0; from < told.length; from += AT_ONCE) {
      const commands = told.slice(from, from + AT_ONCE).flatMap(({ line, expiresAt }) => [
        ['XADD', STREAM, 'MAXLEN', '~', String(STREAM_ENTRIES), '*', 'r', line],
        ['ZADD', SNAPSHOT, scoreOf(expiresAt), line],
      ]);
      commands.push(['ZREMRANGEBYSCORE', SNAPSHOT, '-inf', String(this.#endedAt())]);
      await transact(this.#writer, commands);
    }
  }

  /** Waits for what comes after `last`, or for so many milliseconds. */
  async read(last: string, waitMs: number): Promise<News> {
    const block = ['COUNT', String(AT_ONCE), 'BLOCK', String(Math.max(1, Math.ceil(waitMs)))];
    const reply = await this.#reader.send('XREAD', ...block, 'STREAMS', STREAM, last);
    const entries = (reply as readonly (readonly [string, readonly Entry[]])[] | null)?.[0]?.[1] ?? [];
    // A reader that waits in vain may be waiting behind the end of a stream that was begun anew.
    if (entries.length === 0) return { lines: [], last, isFull: false, isBroken: await this.#isAnew(last) };
    const isFull = entries.length === AT_ONCE;
    const newest = entries.at(-1)?.[0] ?? last;
    const isBroken =
      this.#isAhead(newest) ||
      entries.some(([, fields]) => fields?.[0] === 'begun') ||
      (isFull && (await this.#isBehind(last)));
    const lines = entries.flatMap(([, fields]) =>
      fields?.[0] === 'begun' ? [] : [fields?.[1] ?? undefined],
    );
    return { lines, last: newest, isFull, isBroken };
  }

  /** Whether entries after `last` may have been cut off the stream before they were read. */
  async #isBehind(last: string): Promise<boolean> {
    const [oldest] = (await this.#reader.send('XRANGE', STREAM, '-', '+', 'COUNT', '1')) as readonly Entry[];
    return isLater(oldest?.[0] ?? '0-0', last);
  }

  async #isAnew(last: string): Promise<boolean> {
    const newest = await this.#lastId();
    return isLater(last, newest) || this.#isAhead(newest);
  }

  /** The last id that was given out, also where the entry is gone. */
  async #lastId(): Promise<string> {
    try {
      const facts = (await this.#reader.send('XINFO', 'STREAM', STREAM)) as readonly Reply[];
      return String(facts[facts.indexOf('last-generated-id') + 1]);
    } catch (error) {
      if (error instanceof RedisError && error.message === NO_KEY) return '0-0';
      throw error;
    }
  }

  /** The entry tells those who follow the stream that it was begun anew, so that they may have missed some. */
  async #begin(connection: RedisConnection, ...keys: readonly string[]): Promise<void> {
    const commands = [['DEL', ...keys]];
    if (keys.includes(STREAM)) {
      const id = `${Math.floor(this.#now()) + BEGUN_AHEAD_MS}-0`;
      commands.push(['XADD', STREAM, id, 'begun', 'anew']);
    }
    await transact(connection, commands);
  }

  #isAhead(id: string): boolean {
    return millisecondsOf(id) > this.#now() + MAX_AHEAD * 1000;
  }

  /** By Redis's clock. */
  #now(): number {
    return this.#offset + this.#clock.monotonic();
  }

  /** The second before which what ended is of no use to anybody: by Redis's clock too, as ours may be ahead. */
  #endedAt(): number {
    return Math.floor(Math.min(this.#clock.wall(), this.#now()) / 1000) - GRACE;
  }
}

/** An entry that was deleted has no fields. */
type Entry = readonly [id: string, fields: readonly (string | undefined)[] | null];

/** All or none, but for those that Redis refuses; rejects then. */
async function transact(
  connection: RedisConnection,
  commands: readonly (readonly string[])[],
): Promise<void> {
  const queued = [
    connection.send('MULTI'),
    ...commands.map((command) => connection.send(...command)),
    connection.send('EXEC'),
  ];
  const settled = await Promise.allSettled(queued);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  // Null: somebody else has changed what is watched.
  const replies = (await queued.at(-1)) as readonly Reply[] | null;
  const refused = replies?.find((reply) => reply instanceof RedisError);
  if (refused !== undefined) throw refused;
}

function scoreOf(expiresAt: number): string {
  return expiresAt === Number.POSITIVE_INFINITY ? '+inf' : String(expiresAt);
}

/** Of an id of a stream, `milliseconds-number`. */
function millisecondsOf(id: string): number {
  return Number(id.split('-', 1)[0]);
}

function isLater(id: string, than: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanNumber = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && number > thanNumber);
}
