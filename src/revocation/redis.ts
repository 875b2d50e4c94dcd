import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import type { Revocation } from './revocation.ts';
import { fromLine, toLine } from './revocation-line.ts';

/** What was told lately, in order; readers follow it. */
const STREAM = 'portcullis:revocations:stream';
/** What is in force, by the second of its end; who comes or comes back reads all of it. */
const SNAPSHOT = 'portcullis:revocations:all';
/** Entries kept of the stream, about 20 MB; a reader that has fallen behind further reads the snapshot. */
const STREAM_ENTRIES = 100_000;
/** Revocations sent or read in one piece, a fraction of a millisecond of Redis's time. */
const AT_ONCE = 500;
/** Milliseconds that one read waits for news; then it asks anew, by which a dead connection is found. */
const BLOCK_MS = 5_000;
/** Milliseconds of silence after which a connection is dead. */
const SILENCE_MS = 3 * BLOCK_MS;
const CONNECT_MS = 3_000;
/** Milliseconds between two attempts to connect: doubled from the first to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
/** Milliseconds between two comparisons of everything, which mends what somebody has deleted in Redis. */
const COMPARE_MS = 600_000;
/** The same, while what others have told found no room here: some may have come free. */
const COMPARE_SHORT_MS = 60_000;
/** Milliseconds that a start waits to catch up, for a million revocations; not at all for a Redis that is away. */
const CATCH_UP_MS = 10_000;
/** Seconds for which what has ended is left in Redis, for gateways whose clocks are behind. */
const GRACE = 600;

export interface RedisLinkOptions {
  /** With user and password where Redis wants them; never printed. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Everything in force here. */
  readonly known: () => Iterable<Revocation>;
  /** Takes what others have told; called often with what is known already. Whether all of it is in force here now. */
  readonly onRevocations: (revocations: readonly Revocation[]) => boolean;
}

/**
 * Shares revocations with other gateways by Redis. Whenever a connection is made, all that is in force on both sides is
 * compared and each side gets what it lacks; so what comes while Redis is away needs no queue.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  #clients: Clients | undefined;
  /** Whether what is added is told at once, and not by the next comparison. */
  #isTelling = false;
  #inSync = false;
  #isShort = false;
  /** Redis's clock less our monotonic one, in milliseconds. */
  #redisClock = 0;
  #told = false;
  #closed = false;
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

  /** Whether others have told of revocations that found no room here. */
  get isShort(): boolean {
    return this.#isShort;
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
    this.#closed = true;
    this.#wake?.();
    this.#caughtUp();
    this.#drop();
    await this.#running;
  }

  /** Tells the others. What cannot be told now is told when the connection is back. */
  publish(revocations: readonly Revocation[]): void {
    const clients = this.#clients;
    if (clients === undefined || !this.#isTelling || revocations.length === 0) return;
    this.#send(clients.writer, revocations).catch(() => {
      // New connections begin with comparing everything, so this is not lost.
      if (this.#clients === clients) this.#drop();
    });
  }

  async #run(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    // Not before it is wanted: the library takes a fifth of a second to load.
    const redis = await import('@redis/client');
    while (!this.#closed) {
      try {
        await this.#follow(redis, () => {
          pause = FIRST_PAUSE_MS;
        });
      } catch (error) {
        this.#lost(error);
      }
      if (this.#closed) return;
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
  async #follow(redis: RedisLibrary, connected: () => void): Promise<never> {
    const { url } = this.#options;
    // Whoever waits for an answer is also waiting for news on the other connection, which may be the one that dies.
    const clients = { reader: newClient(redis, url), writer: newClient(redis, url, BLOCK_MS) };
    const failed = new Promise<never>((_, reject) => {
      for (const client of [clients.reader, clients.writer]) {
        client.on('error', reject);
        client.on('end', () => reject(new Error('the connection was closed')));
      }
    });
    this.#clients = clients;
    try {
      return await Promise.race([this.#converse(clients, connected), failed]);
    } finally {
      this.#drop();
    }
  }

  async #converse(clients: Clients, connected: () => void): Promise<never> {
    const { clock, log } = this.#options;
    const { reader } = clients;
    await Promise.all([reader.connect(), clients.writer.connect()]);
    let last = await this.#compare(clients);
    this.#inSync = true;
    if (this.#told) log.info({}, 'revocations are shared by Redis again');
    this.#told = false;
    connected();
    this.#caughtUp();
    const nextComparison = (): number => clock.monotonic() + (this.#isShort ? COMPARE_SHORT_MS : COMPARE_MS);
    let compareAt = nextComparison();
    for (;;) {
      const entries = await this.#read(reader, last);
      if (!this.#take(entries.map(([, [, member]]) => member))) {
        this.#isShort = true;
        compareAt = Math.min(compareAt, nextComparison());
      }
      const fullBatch = entries.length === AT_ONCE;
      if (clock.monotonic() > compareAt || (fullBatch && (await this.#isBehind(reader, last)))) {
        last = await this.#compare(clients);
        compareAt = nextComparison();
      } else last = entries.at(-1)?.[0] ?? last;
    }
  }

  /** Gives each side what it lacks; the id in the stream from which on news are to be read. */
  async #compare(clients: Clients): Promise<string> {
    const { reader, writer } = clients;
    const newest = (await reader.sendCommand(['XREVRANGE', STREAM, '+', '-', 'COUNT', '1'])) as StreamEntry[];
    const [seconds] = (await reader.sendCommand(['TIME'])) as unknown as [string];
    this.#redisClock = Number(seconds) * 1000 - this.#options.clock.monotonic();
    const theirs = new Set<string>();
    let isWhole = true;
    let cursor = '0';
    do {
      const command = ['ZSCAN', SNAPSHOT, cursor, 'COUNT', String(AT_ONCE)];
      const [next, pairs] = (await reader.sendCommand(command)) as [string, string[]];
      const members = pairs.filter((_, index) => index % 2 === 0);
      isWhole = this.#take(members) && isWhole;
      for (const member of members) theirs.add(member);
      cursor = next;
    } while (cursor !== '0');
    this.#isShort = !isWhole;
    if (this.#clients !== clients) throw new Error('the connection was given up');
    // From here on `publish` tells what is added; what was added before is met below.
    this.#isTelling = true;
    let ours: Revocation[] = [];
    let seen = 0;
    for (const one of this.#options.known()) {
      if (!theirs.has(toMember(one))) ours.push(one);
      seen += 1;
      if (seen % AT_ONCE !== 0) continue;
      await this.#send(writer, ours);
      ours = [];
      // Requests are served in between: writing out a hundred thousand takes half a second.
      await nextTurn();
    }
    await this.#send(writer, ours);
    return newest[0]?.[0] ?? '0';
  }

  async #read(reader: Client, last: string): Promise<StreamEntry[]> {
    const block = ['COUNT', String(AT_ONCE), 'BLOCK', String(BLOCK_MS)];
    const reply = await reader.sendCommand(['XREAD', ...block, 'STREAMS', STREAM, last]);
    return (reply as unknown as [string, StreamEntry[]][] | null)?.[0]?.[1] ?? [];
  }

  /** Whether entries after `last` may have been cut off the stream before they were read. */
  async #isBehind(reader: Client, last: string): Promise<boolean> {
    const oldest = (await reader.sendCommand(['XRANGE', STREAM, '-', '+', 'COUNT', '1'])) as StreamEntry[];
    return isLater(oldest[0]?.[0] ?? '0', last);
  }

  /** Whether all of them are in force here now, except those that nobody can read. */
  #take(members: readonly string[]): boolean {
    const revocations = members.map(fromLine).filter((one): one is Revocation => one !== undefined);
    if (revocations.length < members.length) {
      const damaged = members.length - revocations.length;
      this.#options.log.error(
        { damaged },
        'Redis holds revocations that cannot be read; they are not in force',
      );
    }
    return revocations.length === 0 || this.#options.onRevocations(revocations);
  }

  async #send(writer: Client, revocations: readonly Revocation[]): Promise<void> {
    for (let from = 0; from < revocations.length; from += AT_ONCE) {
      const ended = this.#endedAt();
      const transaction = writer.multi();
      for (const revocation of revocations.slice(from, from + AT_ONCE)) {
        const member = toMember(revocation);
        transaction.addCommand(['XADD', STREAM, 'MAXLEN', '~', String(STREAM_ENTRIES), '*', 'r', member]);
        transaction.addCommand(['ZADD', SNAPSHOT, scoreOf(revocation), member]);
      }
      transaction.addCommand(['ZREMRANGEBYSCORE', SNAPSHOT, '-inf', String(ended)]);
      await transaction.exec();
    }
  }

  /** The second before which what ended is of no use to anybody: by Redis's clock too, as ours may be ahead. */
  #endedAt(): number {
    const { clock } = this.#options;
    return Math.floor(Math.min(clock.wall(), this.#redisClock + clock.monotonic()) / 1000) - GRACE;
  }

  #lost(error: unknown): void {
    this.#caughtUp();
    if (this.#closed || this.#told) return;
    this.#told = true;
    const { code, message } = error as NodeJS.ErrnoException;
    this.#options.log.warn(
      { reason: foreignText(code ?? message) },
      'revocations are not shared: Redis is not to be had; it is tried again and again',
    );
  }

  #drop(): void {
    const clients = this.#clients;
    this.#inSync = false;
    this.#isTelling = false;
    this.#clients = undefined;
    if (clients === undefined) return;
    for (const client of [clients.reader, clients.writer]) if (client.isOpen) client.destroy();
  }
}

interface Clients {
  readonly reader: Client;
  readonly writer: Client;
}

type StreamEntry = [id: string, fields: [name: string, member: string]];
type RedisLibrary = typeof import('@redis/client');
type Client = ReturnType<typeof newClient>;

/** Fails at once and for good instead of waiting for a connection to come back: the link makes a new one. */
function newClient({ createClient }: RedisLibrary, url: string, pingMs?: number) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false, socketTimeout: SILENCE_MS },
    ...(pingMs === undefined ? {} : { pingInterval: pingMs }),
  });
}

function toMember(revocation: Revocation): string {
  return toLine(revocation).trimEnd();
}

function scoreOf({ expiresAt }: Revocation): string {
  return expiresAt === Number.POSITIVE_INFINITY ? '+inf' : String(expiresAt);
}

/** Whether one id of a stream, `milliseconds-number`, is later than another. */
function isLater(id: string, than: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanNumber = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && number > thanNumber);
}
