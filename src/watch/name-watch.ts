import { retryDelay } from '../keysets/pace.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Slots } from '../lib/slots.ts';
import type { Timers } from '../lib/timers.ts';
import type { Resolver } from './resolver.ts';

/** Milliseconds after which a look-up counts as failed; getaddrinfo(3) itself gives up after 30 s or more. */
const LOOKUP_MS = 10_000;
/** Milliseconds between two look-ups at least, whatever the TTL. */
const MIN_WAIT_MS = 1_000;
/** The share by which waits vary, so that gateways started together do not ask together. */
const JITTER = 0.1;

export interface NameSurroundings {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Bounds the look-ups at one time. */
  readonly lookups: Slots;
}

export interface WatchedName {
  readonly upstream: string;
  readonly host: string;
  /** Milliseconds between look-ups; Infinity: the name is looked up until that succeeds once. */
  readonly everyMs: number;
  /** Addresses that are used. */
  readonly most: number;
}

/** Looks one name of an upstream up again and again. A look-up that fails leaves the known addresses in use. */
export class NameWatch {
  /** Resolves after the first look-up, whatever its result. */
  readonly tried: Promise<void>;
  readonly #around: NameSurroundings;
  readonly #onChange: () => void;
  #name: WatchedName;
  #addresses: readonly string[] | undefined;
  #lastError: string | undefined;
  #failures = 0;
  #isUnderWay = false;
  /** Monotonic milliseconds of the next look-up; undefined when none is planned. */
  #nextAt: number | undefined;
  #cancelNext: (() => void) | undefined;
  #onTried: () => void = () => {};
  #closed = false;

  /** @param onChange called with other addresses, and when the first look-up fails. */
  constructor(name: WatchedName, around: NameSurroundings, onChange: () => void) {
    this.#name = name;
    this.#around = around;
    this.#onChange = onChange;
    this.tried = new Promise((resolve) => {
      this.#onTried = resolve;
    });
    this.#start();
  }

  /** Sorted; undefined until a look-up succeeds. */
  get addresses(): readonly string[] | undefined {
    return this.#addresses;
  }

  /** Why the last look-up failed; undefined when it succeeded. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Seconds until the next look-up; undefined when none is planned. */
  get nextSeconds(): number | undefined {
    if (this.#nextAt === undefined) return undefined;
    return Math.max(0, this.#nextAt - this.#around.clock.monotonic()) / 1000;
  }

  /** Another configuration is in force. The name is looked up now if that changes the times or the number of addresses. */
  follow(name: WatchedName): void {
    const { everyMs, most } = this.#name;
    this.#name = name;
    if (this.#isUnderWay || (name.everyMs === everyMs && name.most === most)) return;
    this.#cancelNext?.();
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#cancelNext?.();
    this.#onTried();
  }

  #start(): void {
    this.#isUnderWay = true;
    this.#nextAt = undefined;
    void this.#around.lookups.run(() => this.#lookUp());
  }

  /** Ends when the system has answered, because a look-up holds a thread until then. */
  async #lookUp(): Promise<void> {
    if (this.#closed) return;
    const { resolver, timers } = this.#around;
    const { host } = this.#name;
    const stopWaiting = timers.after(LOOKUP_MS, () => this.#failed(`no answer within ${LOOKUP_MS} ms`));
    let delay: number;
    try {
      const found = await resolver.addresses(host);
      stopWaiting();
      if (found.length === 0) throw new Error('no address');
      this.#taken(found);
      delay = await this.#delayAfter(found);
    } catch (error) {
      stopWaiting();
      this.#failures += 1;
      this.#failed(sentenceOf(error));
      delay = Math.min(this.#name.everyMs, retryDelay(this.#failures, this.#around.random()));
    }
    this.#isUnderWay = false;
    if (!this.#closed) this.#plan(delay);
  }

  async #delayAfter(found: readonly string[]): Promise<number> {
    const { resolver, random } = this.#around;
    if (this.#name.everyMs === Number.POSITIVE_INFINITY) return this.#name.everyMs;
    const seconds = await resolver.timeToLive(this.#name.host, found);
    const wanted = this.#name.everyMs * (1 - JITTER * random());
    if (seconds === undefined) return wanted;
    // Before its end, a cache gives the same answer.
    const lived = seconds * 1000 * (1 + JITTER * random());
    return Math.max(MIN_WAIT_MS, Math.min(wanted, lived));
  }

  #plan(delay: number): void {
    if (delay === Number.POSITIVE_INFINITY) return;
    const { clock, timers } = this.#around;
    this.#nextAt = clock.monotonic() + delay;
    this.#cancelNext = timers.after(delay, () => this.#start());
  }

  #taken(found: readonly string[]): void {
    if (this.#closed) return;
    const { log } = this.#around;
    const { upstream, host, most } = this.#name;
    const all = [...new Set(found)].sort();
    const addresses = all.slice(0, most);
    if (this.#lastError !== undefined)
      log.info({ upstream, name: host }, 'the name of an upstream server was looked up again');
    this.#failures = 0;
    this.#lastError = undefined;
    const before = this.#addresses;
    this.#addresses = addresses;
    this.#onTried();
    if (before !== undefined && `${before}` === `${addresses}`) return;
    const leftOut = all.length - addresses.length;
    const added = addresses.filter((address) => before?.includes(address) !== true);
    const removed = (before ?? []).filter((address) => !addresses.includes(address));
    const fields = { upstream, name: host, added, removed, ...(leftOut > 0 ? { leftOut } : {}) };
    log.info(fields, 'the name of an upstream server has these addresses');
    this.#onChange();
  }

  /** The same failure is told once. */
  #failed(why: string): void {
    this.#onTried();
    if (this.#closed || why === this.#lastError) return;
    this.#lastError = why;
    const { upstream, host } = this.#name;
    const kept = this.#addresses ?? [];
    this.#around.log.warn(
      { upstream, name: host, why, kept },
      'the name of an upstream server could not be looked up',
    );
    if (this.#addresses === undefined) this.#onChange();
  }
}

const sentences: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name (ENOTFOUND)',
  EAI_AGAIN: 'no answer of a name server (EAI_AGAIN)',
};

function sentenceOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : (sentences[code] ?? `it failed (${code})`);
}
