import type { Clock } from '../lib/clock.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { RedisError, type Reply } from '../redis/reply-reader.ts';
import { MAX_AHEAD } from './revocation.ts';

/** The latest revocations, in order; gateways read new ones from it. */
const STREAM = 'portcullis:revocations:stream';
/** All revocations in force, by the second of their end; a gateway reads all of it each time it connects. */
const SNAPSHOT = 'portcullis:revocations:all';
/** Entries of the stream, about 20 MB. A reader that has fallen further behind reads the snapshot. */
const STREAM_ENTRIES = 100_000;
/** Revocations that are sent or read together: a fraction of a millisecond for Redis. */
export const AT_ONCE = 500;
/** Revocations in the first piece, and after a piece with long members, because replies are bounded; doubled otherwise. */
const FEW_AT_ONCE = 10;
/** Bytes of a reply above which its members count as long; lines of gateways need a twentieth of that at most. */
const LONG_REPLY = 2 * 1024 * 1024;
/** The error of `XINFO STREAM` for a missing key. */
const NO_KEY = 'ERR no such key';
/**
 * Milliseconds by which the first id of a new stream lies ahead, so that it is later than every id that a gateway may
 * have read. Our estimate of Redis's clock is at most a second late.
 */
const BEGUN_AHEAD_MS = 2_000;
/** Seconds for which ended revocations stay in Redis, for gateways whose clocks are late. */
const GRACE = 600;

export interface SharedLine {
  readonly line: string;
  readonly expiresAt: number;
}

export interface News {
  /** Undefined stands for a line that is too long. */
  readonly lines: readonly (string | undefined)[];
  /** The id after which to read next. */
  readonly last: string;
  readonly isFull: boolean;
  /** Lines may be missing: a gateway has made a new stream, or another writer has damaged it. */
  readonly isBroken: boolean;
}

/** The two keys through which gateways share revocations. Other writers may have changed them in any way. */
export class RedisKeys {
  readonly #reader: RedisConnection;
  readonly #writer: RedisConnection;
  readonly #clock: Clock;
  /** Redis's clock minus our monotonic clock, in milliseconds. */
  #offset = 0;

  /** @param reader for commands one after another. @param writer for commands of several callers at once. */
  constructor(reader: RedisConnection, writer: RedisConnection, clock: Clock) {
    this.#reader = reader;
    this.#writer = writer;
    this.#clock = clock;
  }

  /**
   * Replaces a key that no gateway can use: one of another type, or a stream whose last id is far ahead, because Redis
   * refuses smaller ids. Other gateways may do the same at the same time.
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

  /** Empties both keys. All gateways then publish their own revocations again. */
  async clear(): Promise<void> {
    await this.#begin(this.#writer, STREAM, SNAPSHOT);
  }

  /** Id of the newest entry, after which to read. */
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

  /** All lines of the snapshot in pieces, up to these bounds. Returns whether that was all of it. */
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

  /** The lines, of at most `AT_ONCE`, that the snapshot lacks. */
  async lacking(shared: readonly SharedLine[]): Promise<readonly SharedLine[]> {
    const scores = await Promise.all(shared.map(({ line }) => this.#reader.send('ZSCORE', SNAPSHOT, line)));
    return shared.filter((_, index) => scores[index] === null);
  }

  /** Publishes lines to the other gateways. Rejects when they may not have reached Redis. */
  async publish(shared: readonly SharedLine[]): Promise<void> {
    for (let from = 0; from < shared.length; from += AT_ONCE) {
      const commands = shared.slice(from, from + AT_ONCE).flatMap(({ line, expiresAt }) => [
        ['XADD', STREAM, 'MAXLEN', '~', String(STREAM_ENTRIES), '*', 'r', line],
        ['ZADD', SNAPSHOT, scoreOf(expiresAt), line],
      ]);
      commands.push(['ZREMRANGEBYSCORE', SNAPSHOT, '-inf', String(this.#endedAt())]);
      await transact(this.#writer, commands);
    }
  }

  /** Waits for entries after `last`, for at most `waitMs` milliseconds. */
  async read(last: string, waitMs: number): Promise<News> {
    const block = ['COUNT', String(AT_ONCE), 'BLOCK', String(Math.max(1, Math.ceil(waitMs)))];
    const reply = await this.#reader.send('XREAD', ...block, 'STREAMS', STREAM, last);
    const entries = (reply as readonly (readonly [string, readonly Entry[]])[] | null)?.[0]?.[1] ?? [];
    // A reader that gets no entry may be waiting after the end of a new stream.
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

  /** Whether Redis may have removed entries after `last` from the stream before they were read. */
  async #isBehind(last: string): Promise<boolean> {
    const [oldest] = (await this.#reader.send('XRANGE', STREAM, '-', '+', 'COUNT', '1')) as readonly Entry[];
    return isLater(oldest?.[0] ?? '0-0', last);
  }

  async #isAnew(last: string): Promise<boolean> {
    const newest = await this.#lastId();
    return isLater(last, newest) || this.#isAhead(newest);
  }

  /** The last id of the stream, even if its entry is gone. */
  async #lastId(): Promise<string> {
    try {
      const facts = (await this.#reader.send('XINFO', 'STREAM', STREAM)) as readonly Reply[];
      return String(facts[facts.indexOf('last-generated-id') + 1]);
    } catch (error) {
      if (error instanceof RedisError && error.message === NO_KEY) return '0-0';
      throw error;
    }
  }

  /** Deletes the keys. The entry `begun` tells readers that the stream is new and that they may have missed entries. */
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

  /** Milliseconds by Redis's clock. */
  #now(): number {
    return this.#offset + this.#clock.monotonic();
  }

  /** The second before which no gateway needs an ended revocation. Redis's clock counts too, because ours may be ahead. */
  #endedAt(): number {
    return Math.floor(Math.min(this.#clock.wall(), this.#now()) / 1000) - GRACE;
  }
}

/** An entry that was deleted has no fields. */
type Entry = readonly [id: string, fields: readonly (string | undefined)[] | null];

/** Runs all commands or none, as one transaction. It rejects when one of them fails, which does not stop the others. */
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
  // Null: another client has changed a watched key.
  const replies = (await queued.at(-1)) as readonly Reply[] | null;
  const refused = replies?.find((reply) => reply instanceof RedisError);
  if (refused !== undefined) throw refused;
}

function scoreOf(expiresAt: number): string {
  return expiresAt === Number.POSITIVE_INFINITY ? '+inf' : String(expiresAt);
}

/** The milliseconds in the id of a stream entry, `milliseconds-number`. */
function millisecondsOf(id: string): number {
  return Number(id.split('-', 1)[0]);
}

function isLater(id: string, than: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanNumber = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && number > thanNumber);
}
