import type { Staple } from '../front/front.ts';
import { shownUrl } from '../keys/key-url.ts';
import { ask, type Fetch, FetchError, readContent } from '../keysets/fetch-document.ts';
import { retryDelay } from '../keysets/pace.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Timers } from '../lib/timers.ts';
import { OcspError, OcspQuestion } from './ocsp.ts';

/** Bytes of a response; one with the certificate of a delegate has some 2 KiB. Each handshake that asks carries them. */
const MAX_BYTES = 16 * 1024;
/** Milliseconds for one fetch. */
const FETCH_MS = 10_000;
/** Milliseconds between two fetches of a staple that the responder has just made, at least and at most. */
const MIN_REFRESH_MS = 60_000;
const MAX_REFRESH_MS = 24 * 60 * 60_000;
/** The share of a staple's time after which the next one is fetched, and by how much it varies between certificates. */
const REFRESH_AT = 0.5;
const JITTER = 0.1;

export interface StapleSurroundings {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Runs a fetch when there are not too many at once. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
}

/** A certificate whose issuer names a responder. */
export interface Stapled {
  readonly name: string;
  readonly responder: string;
  /** PEM: the certificate, and the one that issued it. */
  readonly cert: string;
  readonly issuer: string;
}

/** Keeps the staple of one certificate young. */
export class StapleSource {
  readonly #what: Stapled;
  readonly #around: StapleSurroundings;
  readonly #onStaple: (staple: Staple) => void;
  readonly #abort = new AbortController();
  #question: OcspQuestion | undefined;
  #staple: Staple | undefined;
  #failures = 0;
  #lastError: string | undefined;
  #cancelNext: (() => void) | undefined;

  constructor(what: Stapled, around: StapleSurroundings, onStaple: (staple: Staple) => void) {
    this.#what = what;
    this.#around = around;
    this.#onStaple = onStaple;
  }

  /** The last one, which may have ended. */
  get staple(): Staple | undefined {
    return this.#staple;
  }

  /** Why the last fetch failed; undefined when it succeeded. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  start(): void {
    void this.#around.inTurn(() => this.#refresh());
  }

  close(): void {
    this.#cancelNext?.();
    this.#abort.abort();
  }

  async #refresh(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { clock, random } = this.#around;
    let delay: number;
    try {
      const { staple, lifeMs } = await this.#fetch();
      if (this.#abort.signal.aborted) return;
      this.#taken(staple);
      const left = staple.until - clock.wall();
      // A responder makes a new response before the old one ends; one near its end is about to be replaced.
      const wanted = Math.max(left - lifeMs * REFRESH_AT, left * REFRESH_AT);
      const within = Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, wanted));
      delay = within * (1 - JITTER * random());
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failures += 1;
      this.#failed(error);
      delay = retryDelay(this.#failures, random());
    }
    this.#cancelNext = this.#around.timers.after(delay, () => this.start());
  }

  async #fetch(): Promise<{ readonly staple: Staple; readonly lifeMs: number }> {
    const { clock } = this.#around;
    const { cert, issuer, responder } = this.#what;
    this.#question ??= new OcspQuestion(cert, issuer);
    const der = await this.#post(new URL(responder), this.#question.request);
    const { since, until } = this.#question.read(der, clock.wall());
    return { staple: { der, until }, lifeMs: until - since };
  }

  /** @throws FetchError */
  async #post(url: URL, request: Uint8Array): Promise<Uint8Array> {
    const { fetch } = this.#around;
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(FETCH_MS)]);
    const options = { fetch, accept: 'application/ocsp-response', signal };
    try {
      const response = await ask(url, options, { type: 'application/ocsp-request', bytes: request });
      return await readContent(response, url, MAX_BYTES);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      throw new FetchError(`${shownUrl(url)} did not answer within ${FETCH_MS} ms`);
    }
  }

  #taken(staple: Staple): void {
    const { log } = this.#around;
    const { name } = this.#what;
    const fields = { certificate: name, until: new Date(staple.until).toISOString() };
    if (this.#lastError !== undefined)
      log.info(fields, 'the OCSP response of a certificate was fetched again');
    this.#staple = staple;
    this.#failures = 0;
    this.#lastError = undefined;
    this.#onStaple(staple);
  }

  /** The same failure is told once. */
  #failed(error: unknown): void {
    const { log } = this.#around;
    const { name, responder } = this.#what;
    const why = sentenceOf(error, responder);
    if (why === this.#lastError) return;
    this.#lastError = why;
    const until = this.#staple === undefined ? null : new Date(this.#staple.until).toISOString();
    log.warn({ certificate: name, why, until }, 'the OCSP response of a certificate could not be fetched');
  }
}

function sentenceOf(error: unknown, responder: string): string {
  if (error instanceof FetchError) return error.message;
  if (error instanceof OcspError) return `${shownUrl(new URL(responder))} ${error.message}`;
  return `a fault of ours: ${String(error)}`;
}
