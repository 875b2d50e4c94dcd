import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import { RedisConnection } from '../redis/connection.ts';
import { RedisError, ReplyError } from '../redis/reply-reader.ts';
import type { ForeignLines } from './foreign-lines.ts';
import { AT_ONCE, RedisKeys, type SharedLine } from './redis-keys.ts';
import type { Revocation } from './revocation.ts';

/** Milliseconds that one read waits for news; then it looks whether the stream was begun anew, behind what it has read. */
const BLOCK_MS = 2_000;
/** Milliseconds between two pings on the connection that is silent otherwise. */
const PING_MS = 5_000;
/** Milliseconds of silence after which a connection is dead. */
const SILENCE_MS = 15_000;
/** Milliseconds between two attempts to connect: doubled from the first to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
/** The same after a reply that is longer than any that was asked for: the next one may be as long. */
const LONG_PAUSE_MS = 60_000;
/** Milliseconds between two comparisons of everything, which mends what somebody has deleted in Redis. */
const COMPARE_MS = 600_000;
/** The same, while what others have told found no room here: some may have come free. */
const COMPARE_SHORT_MS = 60_000;
/** The same, when the stream tells that some may be missing; anybody who writes to Redis can make it tell so. */
const COMPARE_SOON_MS = 2_000;
/** Milliseconds that a start waits to catch up, for a million revocations; not at all for a Redis that is away. */
const CATCH_UP_MS = 10_000;
/** Lines read in one comparison, for each revocation there may be: a sound snapshot has one, and some that have ended. */
const LINES_PER_ENTRY = 4;
/** Bytes of one; a line of five marks with 64 characters each has less than one KiB. */
const BYTES_PER_ENTRY = 4 * 1024;
/** Bytes beside those, which are passed over where members are long: seconds of one comparison. */
const SPARE_BYTES = 1024 * 1024 * 1024;
/** Lines beside those, so that a small limit does not make a small snapshot too long. */
const SPARE_LINES = 10_000;
/** What could not be told at once and is told when the connection is back. What finds no room is met by comparing. */
const MAX_UNPUBLISHED = 10_000;

export interface RedisLinkOptions {
  /** With user and password where Redis wants them; never printed. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly lines: ForeignLines;
  /** Revocations there may be here, by which is bounded what is read. */
  readonly entries: number;
  /** Everything in force here. */
  readonly known: () => Iterable<Revocation>;
  /** Takes what others have told; called often with what is known already. Whether all of it is in force here now. */
  readonly onRevocations: (revocations: readonly Revocation[]) => boolean;
}

/**
 * Shares revocations with other gateways by Redis. Each new connection compares all that is in force on both sides, and
 * each side gets what it lacks; so what comes while Redis is away needs no queue.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  #connections: readonly RedisConnection[] = [];
  #current: RedisKeys | undefined;
  /** Undefined until what is added is told at once, and not by the next comparison. */
  #keys: RedisKeys | undefined;
  #inSync = false;
  #isShort = false;
  #isCut = false;
  /** Whether what is read was told before a `clear`. */
  #isStale = false;
  #unpublished: SharedLine[] = [];
  /** Monotonic milliseconds. */
  #compareAt = 0;
  #comparedAt = 0;
  /** What was logged since revocations were last shared. */
  readonly #logged = new Set<string>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #caughtUp: () => void = () => {};

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** Whether what is told here or elsewhere reaches the other side at once. */
  get inSync(): boolean {
    return this.#inSync;
  }

  /** Whether others have told revocations that found no room here. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Whether Redis holds more than was read. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Resolves when this gateway has caught up, or cannot, or the time for that is over; goes on trying then. */
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

  /** Tells the others. What cannot be told now is told when the connection is back. */
  publish(revocations: readonly Revocation[]): void {
    const keys = this.#keys;
    if (keys === undefined || revocations.length === 0) return;
    const told = this.#sharedLines(revocations);
    keys.publish(told).catch((error: Error) => {
      // The snapshot may hold them and the stream not, which no comparison would find.
      this.#unpublished.push(...told.slice(0, Math.max(0, MAX_UNPUBLISHED - this.#unpublished.length)));
      if (this.#keys === keys) this.#drop(error);
    });
  }

  /** Everything that is told from now on is compared soon, by other rules than before. */
  compareSoon(): void {
    this.#compareAt = Math.min(this.#compareAt, this.#comparedAt + COMPARE_SOON_MS);
  }

  /**
   * Empties Redis, so that the gateways tell again what they were told themselves; what is read until then is left
   * out. Resolves with whether it was reached.
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

  /** Connects, catches up and reads what comes, until something fails on either connection. */
  async #runOnce(connected: () => void): Promise<never> {
    const { url, clock } = this.#options;
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => {}); // Met below, unless connecting fails first.
    const options = { url, silenceMs: SILENCE_MS, onEnd: fail, signal: this.#closing.signal };
    const opened: RedisConnection[] = [];
    this.#connections = opened;
    const open = async (pingMs?: number): Promise<RedisConnection> => {
      const connection = await RedisConnection.connect({ ...options, pingMs });
      opened.push(connection);
      return connection;
    };
    try {
      // A command that waits for an answer also waits for news on the other connection, which may be the one that dies.
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

  /** Gives each side what it lacks; the id in the stream from which on news are to be read. */
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
    // From here on `publish` tells what is added; what was added before is met below.
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
      // Requests are served in between: writing out a hundred thousand takes half a second.
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

  /** Whether all of them are in force here now, except those that are refused. */
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
    // One that is starting is away first, and may refuse the password then.
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
