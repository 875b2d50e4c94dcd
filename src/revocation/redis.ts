import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import { RedisConnection } from '../redis/connection.ts';
import { RedisError, ReplyError } from '../redis/reply-reader.ts';
import type { ForeignLines } from './foreign-lines.ts';
import { AT_ONCE, RedisKeys, type SharedLine } from './redis-keys.ts';
import type { Revocation } from './revocation.ts';

/** Milliseconds that one read waits for new lines. After that the reader checks that the stream is still the same. */
const BLOCK_MS = 2_000;
/** Milliseconds between two pings on the connection that would otherwise be silent. */
const PING_MS = 5_000;
/** Milliseconds of silence after which a connection counts as dead. */
const SILENCE_MS = 15_000;
/** Milliseconds between two attempts to connect: doubled from the first pause up to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
/** Milliseconds after a reply that was too long: the next one may be as long. */
const LONG_PAUSE_MS = 60_000;
/** Milliseconds between two comparisons of all revocations, which restore the revocations that were deleted in Redis. */
const COMPARE_MS = 600_000;
/** The same while revocations of others find no room here: room may have become free. */
const COMPARE_SHORT_MS = 60_000;
/** The same after a sign in the stream that lines may be missing. Every writer to Redis can cause that sign. */
const COMPARE_SOON_MS = 2_000;
/** Milliseconds that a start waits to catch up, enough for a million revocations. It does not wait for a missing Redis. */
const CATCH_UP_MS = 10_000;
/** Lines read in one comparison, for each possible revocation: a good snapshot has one, and some that have ended. */
const LINES_PER_ENTRY = 4;
/** Bytes for each possible revocation; a line of five marks with 64 characters each has less than one KiB. */
const BYTES_PER_ENTRY = 4 * 1024;
/** Bytes beyond those, for long members that the reader skips: some seconds of one comparison. */
const SPARE_BYTES = 1024 * 1024 * 1024;
/** Lines beyond those, so that a small limit does not make a small snapshot too long. */
const SPARE_LINES = 10_000;
/** Lines that wait for a new connection. A comparison finds those that have no room. */
const MAX_UNPUBLISHED = 10_000;

export interface RedisLinkOptions {
  /** With user and password where Redis wants them; never printed. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly lines: ForeignLines;
  /** Revocations that may be in force here; they bound the amount that is read. */
  readonly entries: number;
  /** All revocations in force here. */
  readonly known: () => Iterable<Revocation>;
  /** Takes revocations of others, often known ones. Returns whether all of them are in force here now. */
  readonly onRevocations: (revocations: readonly Revocation[]) => boolean;
}

/**
 * Shares revocations with other gateways through Redis. Each new connection compares all revocations of both sides, and
 * each side gets those it lacks. So revocations made while Redis is away need no queue.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  #connections: readonly RedisConnection[] = [];
  #current: RedisKeys | undefined;
  /** Set when new revocations are published at once. While it is undefined, the next comparison publishes them. */
  #keys: RedisKeys | undefined;
  #inSync = false;
  #isShort = false;
  #isCut = false;
  /** Lines that are read now may be older than a `clear`. */
  #isStale = false;
  #unpublished: SharedLine[] = [];
  /** Monotonic milliseconds. */
  #compareAt = 0;
  #comparedAt = 0;
  /** Faults logged since revocations were last shared. */
  readonly #logged = new Set<string>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #caughtUp: () => void = () => {};

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** Whether new revocations reach the other side at once, in both directions. */
  get inSync(): boolean {
    return this.#inSync;
  }

  /** Whether revocations of others found no room here. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Whether Redis holds more lines than were read. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Resolves when this gateway has caught up, has failed once, or has run out of time. It keeps trying after that. */
  async open(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#caughtUp = resolve;
      timer = setTimeout(resolve, CATCH_UP_MS);
      this.#running = this.#run();
    });
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    this.#caughtUp();
    this.#drop();
    await this.#running;
  }

  /** Sends revocations to the other gateways. If that fails, they follow when the connection is back. */
  publish(revocations: readonly Revocation[]): void {
    const keys = this.#keys;
    if (keys === undefined || revocations.length === 0) return;
    const shared = this.#sharedLines(revocations);
    keys.publish(shared).catch((error: Error) => {
      // The snapshot may hold them while the stream does not; no comparison would find that.
      this.#unpublished.push(...shared.slice(0, Math.max(0, MAX_UNPUBLISHED - this.#unpublished.length)));
      if (this.#keys === keys) this.#drop(error);
    });
  }

  /** Compares all revocations soon, because lines may be missing or the rules for them have changed. */
  compareSoon(): void {
    this.#compareAt = Math.min(this.#compareAt, this.#comparedAt + COMPARE_SOON_MS);
  }

  /**
   * Empties Redis, so that all gateways publish their own revocations again. Lines read before that are ignored.
   * @returns whether Redis was reached.
   */
  async clear(): Promise<boolean> {
    this.#isStale = true;
    this.#isShort = false;
    this.#isCut = false;
    const keys = this.#keys;
    if (keys === undefined) return false;
    try {
      await keys.clear();
      return true;
    } catch (error) {
      if (this.#keys === keys) this.#drop(error as Error);
      return false;
    }
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#runOnce(() => {
          pause = FIRST_PAUSE_MS;
        });
      } catch (error) {
        this.#lost(error);
        if (error instanceof ReplyError) pause = LONG_PAUSE_MS;
      }
      if (this.#closing.signal.aborted) return;
      const wait = pause;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      pause = Math.min(2 * pause, LAST_PAUSE_MS);
    }
  }

  /** Connects, catches up and reads new lines until one of the connections fails. */
  async #runOnce(connected: () => void): Promise<never> {
    const { url, clock } = this.#options;
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => {}); // The race below handles it, unless connecting fails first.
    const options = { url, silenceMs: SILENCE_MS, onEnd: fail, signal: this.#closing.signal };
    const opened: RedisConnection[] = [];
    this.#connections = opened;
    const open = async (pingMs?: number): Promise<RedisConnection> => {
      const connection = await RedisConnection.connect({ ...options, pingMs });
      opened.push(connection);
      return connection;
    };
    try {
      // A waiting command on one connection must also notice the death of the other one.
      const reader = await open();
      const writer = await open(PING_MS);
      const keys = new RedisKeys(reader, writer, clock);
      this.#current = keys;
      return await Promise.race([this.#converse(keys, connected), failed]);
    } finally {
      this.#drop();
    }
  }

  async #converse(keys: RedisKeys, connected: () => void): Promise<never> {
    const { clock, log } = this.#options;
    let last = await this.#compare(keys);
    this.#inSync = true;
    if (this.#logged.size > 0) log.info({}, 'revocations are shared by Redis again');
    this.#logged.clear();
    connected();
    this.#caughtUp();
    for (;;) {
      const news = await keys.read(last, Math.min(BLOCK_MS, this.#compareAt - clock.monotonic()));
      last = news.last;
      if (!this.#take(news.lines)) {
        this.#isShort = true;
        this.#compareAt = Math.min(this.#compareAt, clock.monotonic() + COMPARE_SHORT_MS);
      }
      if (news.isBroken) this.compareSoon();
      if (clock.monotonic() >= this.#compareAt) last = await this.#compare(keys);
    }
  }

  /** Gives each side the revocations it lacks. Resolves with the id of the stream after which to read. */
  async #compare(keys: RedisKeys): Promise<string> {
    const { clock, known, lines, entries, log } = this.#options;
    await keys.mend();
    this.#isStale = false;
    const newest = await keys.newest();
    const scan = keys.scan(entries * LINES_PER_ENTRY + SPARE_LINES, entries * BYTES_PER_ENTRY + SPARE_BYTES);
    let hasRoom = true;
    let piece = await scan.next();
    for (; piece.done !== true; piece = await scan.next()) {
      hasRoom = this.#take(piece.value) && hasRoom;
      await nextTurn();
    }
    this.#isShort = !hasRoom;
    if (!piece.value && !this.#isCut) {
      log.error({ entries }, 'Redis holds more revocations than are read here; some are not in force');
    }
    this.#isCut = !piece.value;
    if (this.#current !== keys) throw new Error('the connection was given up');
    // From now on `publish` sends new revocations. The loop below sends earlier ones.
    this.#keys = keys;
    await this.#publishMissed(keys);
    let ours: Revocation[] = [];
    const give = async (): Promise<void> => {
      await keys.publish(await keys.lacking(this.#sharedLines(ours)));
      ours = [];
    };
    for (const one of known()) {
      if (!lines.mayPublish(one)) continue;
      ours.push(one);
      // Sends in pieces, so requests are served in between: a hundred thousand lines take half a second.
      if (ours.length === AT_ONCE) await give();
    }
    await give();
    this.#comparedAt = clock.monotonic();
    this.#compareAt = this.#comparedAt + (this.#isShort ? COMPARE_SHORT_MS : COMPARE_MS);
    return newest;
  }

  async #publishMissed(keys: RedisKeys): Promise<void> {
    const unpublished = this.#unpublished;
    this.#unpublished = [];
    try {
      await keys.publish(unpublished);
    } catch (error) {
      this.#unpublished.unshift(...unpublished);
      throw error;
    }
  }

  /** Takes lines of other gateways. Returns whether all revocations in them are in force here, except refused ones. */
  #take(lines: readonly (string | undefined)[]): boolean {
    if (this.#isStale) return true;
    const revocations = this.#options.lines.read(lines);
    return revocations.length === 0 || this.#options.onRevocations(revocations);
  }

  #sharedLines(revocations: readonly Revocation[]): readonly SharedLine[] {
    const { lines } = this.#options;
    return revocations.map((one) => ({ line: lines.toLine(one), expiresAt: one.expiresAt }));
  }

  #lost(error: unknown): void {
    this.#caughtUp();
    if (this.#closing.signal.aborted) return;
    // A starting Redis is unreachable first and may refuse the password later, so each fault has its own line.
    const fault = error instanceof RedisError ? 'refuses what it is asked' : 'cannot be reached';
    if (this.#logged.has(fault)) return;
    this.#logged.add(fault);
    const { code, message } = error as NodeJS.ErrnoException;
    this.#options.log.warn(
      { reason: foreignText(code ?? message) },
      `revocations are not shared: Redis ${fault}; it is tried again and again`,
    );
  }

  #drop(error?: Error): void {
    this.#inSync = false;
    this.#keys = undefined;
    this.#current = undefined;
    for (const connection of this.#connections) connection.close(error);
  }
}
