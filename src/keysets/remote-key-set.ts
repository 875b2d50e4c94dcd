import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import type { VerificationKey } from '../keys/key.ts';
import { KeyError } from '../keys/key-error.ts';
import { shownUrl } from '../keys/key-url.ts';
import type { Clock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import { StartError } from '../lib/start-error.ts';
import type { Timers } from '../lib/timers.ts';
import { algorithmsOf, type Download, download } from './download.ts';
import { type Fetch, FetchError } from './fetch-document.ts';
import { refreshDelay, retryDelay } from './pace.ts';
import { readKeySetInSlices } from './read-key-set.ts';
import { type KeySetStore, StoreError } from './store.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly fetch: Fetch;
  readonly log: Log;
  /** Undefined: fetched sets are not stored. */
  readonly store: KeySetStore | undefined;
  /** Puts the keys of a set in force. Throws when one of them cannot be used; the old ones then stay. */
  readonly setKeys: (issuer: string, keys: readonly VerificationKey[]) => void;
}

/** Kids named in one log line. */
const MAX_LOGGED = 20;
/** Characters of a kid in the log. */
const MAX_KID_LOGGED = 64;

/**
 * One key set of an issuer, fetched again and again while the gateway runs. Only requests whose token has an unknown key
 * wait for a fetch, and this class bounds the fetches that they cause. There is one fetch at a time.
 */
export class RemoteKeySet {
  readonly #issuer: IssuerConfig;
  readonly #remote: RemoteKeysConfig;
  readonly #around: Surroundings;
  #keys: readonly VerificationKey[] = [];
  #ignored: readonly string[] = [];
  /** Monotonic milliseconds at which the keys in force were fetched; before the start for stored keys. */
  #fetchedAt: number | undefined;
  #failures = 0;
  #lastError: string | undefined;
  /** Monotonic milliseconds. */
  #nextAt: number | undefined;
  /** Monotonic milliseconds before which no token with an unknown key may cause a fetch. */
  #mayAskAt = Number.NEGATIVE_INFINITY;
  #cancelNext: (() => void) | undefined;
  #cancelExpiry: (() => void) | undefined;
  #flight: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #writing: Promise<void> = Promise.resolve();
  #cannotWrite = false;
  #closed = false;
  #readOnly = false;
  /** Another fetch must follow the present one. */
  #renews = false;

  constructor(issuer: IssuerConfig, remote: RemoteKeysConfig, around: Surroundings) {
    this.#issuer = issuer;
    this.#remote = remote;
    this.#around = around;
  }

  /** Whether this set also serves that issuer and source: same keys, same source, same use. */
  isOf(issuer: IssuerConfig, remote: RemoteKeysConfig): boolean {
    const what = ({ name, issuer: iss, algorithms }: IssuerConfig, from: RemoteKeysConfig): string =>
      JSON.stringify([name, iss, algorithms, from]);
    return what(issuer, remote) === what(this.#issuer, this.#remote);
  }

  /** The keys in force. */
  get keys(): readonly VerificationKey[] {
    return this.#keys;
  }

  get kids(): readonly string[] {
    return this.#keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  }

  get hasKeys(): boolean {
    return this.#keys.length > 0;
  }

  /** Seconds since the keys in force were fetched; undefined without keys. */
  get ageSeconds(): number | undefined {
    return this.#fetchedAt === undefined
      ? undefined
      : (this.#around.clock.monotonic() - this.#fetchedAt) / 1000;
  }

  /** Seconds until the next fetch; undefined during a fetch. */
  get nextRefreshSeconds(): number | undefined {
    return this.#nextAt === undefined
      ? undefined
      : Math.max(0, (this.#nextAt - this.#around.clock.monotonic()) / 1000);
  }

  /** Why the last fetch failed; undefined when it succeeded. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Unused entries of the issuer's set, each with the reason. */
  get ignored(): readonly string[] {
    return this.#ignored;
  }

  get source(): string {
    return shownUrl(new URL(this.#remote.url));
  }

  /**
   * Puts the stored set in force if it is young enough. Rejects with the StartError of a file that others could have
   * written.
   */
  async load(): Promise<void> {
    const { store, log, clock } = this.#around;
    if (store === undefined) return;
    try {
      const kept = await store.read(this.#issuer, this.#remote);
      if (kept === undefined || this.#closed) return;
      const ageMs = clock.wall() - kept.fetchedAt;
      if (ageMs < 0) throw new StoreError('is dated in the future');
      if (ageMs >= this.#remote.staleMs) throw new StoreError('is older than keys.stale allows');
      const { keys } = await readKeySetInSlices(kept.text, algorithmsOf(this.#issuer, this.#remote));
      if (this.#closed) return;
      if (keys.length === 0) throw new StoreError('holds no usable key');
      this.#enforce(keys, ageMs);
    } catch (error) {
      if (error instanceof StartError) throw error;
      const isExpected = error instanceof StoreError || error instanceof KeyError;
      const why = isExpected ? `the file ${error.message}` : 'its keys cannot be used';
      const file = store.fileOf(this.#issuer, this.#remote);
      log.warn({ issuer: this.#issuer.name, file, why }, 'a kept key set is ignored');
    }
  }

  /** Starts to fetch, now and then at intervals. */
  start(): void {
    void this.#fetch();
  }

  /**
   * Puts in force the set that a gateway would have: the stored set or, after one fetch, a newer one. It stores nothing and
   * fetches no further. Rejects as `load` does.
   */
  async fetchOnce(): Promise<void> {
    this.#readOnly = true;
    await this.load();
    await this.#fetch();
  }

  /**
   * Fetches newer keys for a token with an unknown key.
   * @returns a promise that resolves when the fetch has ended, with or without success; undefined when it is too early.
   */
  refetch(): Promise<void> | undefined {
    if (this.#closed || this.#readOnly) return undefined;
    if (this.#flight !== undefined) return this.#flight;
    const now = this.#around.clock.monotonic();
    if (now < this.#mayAskAt) return undefined;
    this.#mayAskAt = now + this.#remote.unknownKidGapMs;
    return this.#fetch();
  }

  /**
   * Fetches newer keys because the issuer has reported a change: at once, even if strangers' tokens have just caused a
   * fetch. If a fetch is running, another follows it, because its response may be older than the change.
   */
  renew(): void {
    if (this.#closed || this.#readOnly) return;
    if (this.#flight === undefined) void this.#fetch();
    else this.#renews = true;
  }

  /** Stops for good. Resolves when no fetch and no writing is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelNext?.();
    this.#cancelExpiry?.();
    this.#abort?.abort(new FetchError('the gateway is shutting down'));
    await this.#flight;
    await this.#writing;
  }

  #fetch(): Promise<void> {
    this.#flight ??= this.#attempt().finally(() => {
      this.#flight = undefined;
      if (!this.#renews || this.#closed) return;
      this.#renews = false;
      void this.#fetch();
    });
    return this.#flight;
  }

  async #attempt(): Promise<void> {
    const { timers, fetch } = this.#around;
    const { timeoutMs } = this.#remote;
    this.#cancelNext?.();
    this.#nextAt = undefined;
    const abort = new AbortController();
    this.#abort = abort;
    const cancelTimeout = timers.after(timeoutMs, () =>
      abort.abort(new FetchError(`${this.source} did not answer within ${timeoutMs} ms`)),
    );
    try {
      const fetched = await download(this.#issuer, this.#remote, { fetch, signal: abort.signal });
      if (!this.#closed) this.#succeed(fetched);
    } catch (error) {
      if (!this.#closed) this.#fail(error);
    } finally {
      cancelTimeout();
    }
  }

  #succeed(fetched: Download): void {
    const { clock, random, log } = this.#around;
    const issuer = this.#issuer.name;
    if (`${fetched.ignored}` !== `${this.#ignored}` && fetched.ignored.length > 0) {
      log.warn({ issuer, ignored: fetched.ignored }, 'entries of the key set are ignored');
    }
    this.#ignored = fetched.ignored;
    if (fetched.keys.length === 0) throw new FetchError(`${this.source} leads to a set without a usable key`);
    this.#enforce(fetched.keys, 0);
    if (this.#failures > 0) log.info({ issuer, failures: this.#failures }, 'the keys can be fetched again');
    this.#failures = 0;
    this.#lastError = undefined;
    this.#schedule(refreshDelay(fetched.freshMs, this.#remote, random()));
    this.#keep(fetched.entries, clock.wall());
  }

  #fail(error: unknown): void {
    const { log, random } = this.#around;
    const issuer = this.#issuer.name;
    const isExpected = error instanceof FetchError;
    this.#lastError = isExpected ? error.message : `the keys of ${this.source} cannot be used`;
    this.#failures += 1;
    const fields = { issuer, why: this.#lastError, ...(isExpected ? {} : { error }) };
    // An outage has one line at its start, however long it lasts, and one at its end.
    if (this.#failures === 1) log.warn(fields, 'the keys cannot be fetched');
    else log.debug(fields, 'the keys still cannot be fetched');
    this.#schedule(retryDelay(this.#failures, random()));
  }

  #schedule(delayMs: number): void {
    if (this.#readOnly) return;
    const { clock, timers } = this.#around;
    this.#nextAt = clock.monotonic() + delayMs;
    this.#cancelNext = timers.after(delayMs, () => void this.#fetch());
  }

  #enforce(keys: readonly VerificationKey[], ageMs: number): void {
    const { clock, timers } = this.#around;
    const { staleMs } = this.#remote;
    // Each call drops the verified tokens of the issuer, so only a change may cause one.
    if (!isSameSet(keys, this.#keys)) this.#replace(keys);
    this.#fetchedAt = clock.monotonic() - ageMs;
    this.#cancelExpiry?.();
    this.#cancelExpiry = timers.after(staleMs - ageMs, () => this.#expire());
  }

  #replace(keys: readonly VerificationKey[]): void {
    const { log, setKeys } = this.#around;
    const before = new Set(this.kids);
    setKeys(this.#issuer.name, keys);
    this.#keys = keys;
    const now = new Set(this.kids);
    const fields = {
      issuer: this.#issuer.name,
      keys: keys.length,
      added: [...now]
        .filter((kid) => !before.has(kid))
        .slice(0, MAX_LOGGED)
        .map(shownKid),
      removed: [...before]
        .filter((kid) => !now.has(kid))
        .slice(0, MAX_LOGGED)
        .map(shownKid),
    };
    log.info(fields, 'the key set has changed');
  }

  #expire(): void {
    const { log, setKeys } = this.#around;
    setKeys(this.#issuer.name, []);
    this.#keys = [];
    this.#fetchedAt = undefined;
    const fields = { issuer: this.#issuer.name, why: this.#lastError };
    log.error(fields, 'the keys are too old and no longer in force');
  }

  /** Stores the set after the last writing, in the background. A failure affects only the next restart. */
  #keep(entries: readonly object[], fetchedAt: number): void {
    const { store, log } = this.#around;
    if (store === undefined || this.#readOnly) return;
    this.#writing = this.#writing.then(async () => {
      try {
        await store.write(this.#issuer, this.#remote, { entries, fetchedAt });
        this.#cannotWrite = false;
      } catch (error) {
        if (!this.#cannotWrite) log.error({ issuer: this.#issuer.name, error }, 'the key set cannot be kept');
        this.#cannotWrite = true;
      }
    });
  }
}

const shownKid = (kid: string): string => foreignText(kid, MAX_KID_LOGGED);

/** Whether two sets have the same keys, in any order. */
function isSameSet(a: readonly VerificationKey[], b: readonly VerificationKey[]): boolean {
  const names = (keys: readonly VerificationKey[]): string =>
    JSON.stringify(keys.map(({ id, kid }) => JSON.stringify([id, kid])).sort());
  return names(a) === names(b);
}
