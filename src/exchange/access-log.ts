import type { Config } from '../config/config.ts';
import type { Counter } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import type { Outcome } from './tally.ts';

/** Longest method, host and path in a line, in characters; what is cut ends with `…`. A line stays below 4 KiB. */
const MAX_METHOD = 32;
const MAX_HOST = 256;
const MAX_PATH = 1024;

/** Not visible ASCII. JSON escapes the controls below 0x20 only; a terminal obeys those above 0x7f as well. */
const unprintable = /[^\x20-\x7e]/g;
/** What begins as base64url of `{"` does, as every usual JWT, in any place where a client has put it. */
const tokenLike = /eyJ[\w-]{5,}[\w.-]*/g;

/** The answers of upstream that count as errors begin here. */
const FIRST_ERROR_STATUS = 500;

/** How an exchange ended, as the gateway knows it. */
export interface AccessEnd {
  readonly method: string;
  readonly host: string;
  /** Without the query, which may carry a token. */
  readonly path: string;
  readonly route: string;
  readonly outcome: Outcome;
  /** The status that went to the client; null when none did. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Bytes of the request's body that have come in. */
  readonly requestBytes: number;
  /** The upstream that was asked; null when none was. */
  readonly upstream: string | null;
}

/** What is gathered of one exchange while it lasts. */
export interface AccessRecord {
  /** Text of the client's address; null when it left before it could be read. */
  client: string | null;
  /** Status of an answer of the gateway's own, once it has been sent. */
  status: number | undefined;
  durationMs: number;
  /** Bytes of the answer's body given to the client's connection. */
  answerBytes: number;
  /** The rule by which the path, method or host has more than one reading; undefined for all other requests. */
  pathRule: string | undefined;
}

/**
 * Writes one line for each exchange that ended, as far as the configuration asks for it. Nothing of a query, a header
 * field other than Host, or a token is ever part of it.
 */
export class AccessLog {
  readonly #errorsOnly: boolean;
  /** The part of all exchanges that is logged: 1 for all. */
  readonly #share: number;
  readonly #log: Log;
  readonly #dropped: Counter;
  readonly #random: () => number;

  /** @param dropped counts lines that were left out because the reader of the log is too slow. */
  constructor(
    mode: Exclude<Config['log']['access'], 'off'>,
    log: Log,
    dropped: Counter,
    random: () => number = Math.random,
  ) {
    this.#errorsOnly = mode === 'errors';
    this.#share = mode === 'errors' ? 1 : mode;
    this.#log = log;
    this.#dropped = dropped;
    this.#random = random;
  }

  /** For an exchange that begins; undefined when it will not be logged. */
  begin(client: () => string | undefined): AccessRecord | undefined {
    if (this.#share < 1 && this.#random() >= this.#share) return undefined;
    return {
      client: client() ?? null,
      status: undefined,
      durationMs: 0,
      answerBytes: 0,
      pathRule: undefined,
    };
  }

  /** To be called once for each record. */
  write(record: AccessRecord, end: AccessEnd): void {
    const { outcome, status } = end;
    const served = outcome === 'forwarded' || outcome === 'preflight_answered';
    if (this.#errorsOnly && served && (status ?? 0) < FIRST_ERROR_STATUS) return;
    if (this.#log.crowded?.() === true) {
      this.#dropped.value += 1;
      return;
    }
    const line = {
      client: record.client,
      method: shown(end.method, MAX_METHOD),
      host: shown(end.host.slice(end.host.lastIndexOf('@') + 1), MAX_HOST),
      path: shown(withoutFragment(end.path), MAX_PATH),
      route: end.route,
      outcome,
      status,
      durationMs: Math.round(end.durationMs * 1000) / 1000,
      requestBytes: end.requestBytes,
      answerBytes: record.answerBytes,
      upstream: end.upstream,
      ...(record.pathRule === undefined ? {} : { pathRule: record.pathRule }),
    };
    try {
      this.#log.info(line, 'request');
    } catch {
      // An embedder's log that throws costs its line, never the exchange.
      this.#dropped.value += 1;
    }
  }
}

function shown(text: string, limit: number): string {
  const safe = text.slice(0, limit).replace(unprintable, '\ufffd').replace(tokenLike, '[token]');
  return text.length > limit ? `${safe}…` : safe;
}

/** A target with a fragment is refused, and logged; a fragment may carry a token (RFC 6749 §4.2.2). */
function withoutFragment(path: string): string {
  const at = path.indexOf('#');
  return at < 0 ? path : path.slice(0, at);
}
