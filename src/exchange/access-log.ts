import type { Config } from '../config/config.ts';
import type { ClientStream } from '../front/front.ts';
import type { HttpVersion } from '../http/message.ts';
import type { Counter } from '../lib/counters.ts';
import { lineText } from '../lib/foreign-text.ts';
import type { Log } from '../lib/log.ts';
import type { Marks } from '../trace/marker.ts';
import type { SpanFacts } from './span-facts.ts';
import type { Outcome } from './tally.ts';

/** Characters of method, host, path and the host named in TLS in a line. A text that was cut ends with `…`. A line stays below 4 KiB. */
const MAX_METHOD = 32;
const MAX_HOST = 256;
const MAX_PATH = 1024;
const MAX_SERVER_NAME = 256;

/** The lowest status of a response that counts as an error. */
const FIRST_ERROR_STATUS = 500;

/** How an exchange ended. */
export interface AccessEnd {
  readonly method: string;
  readonly host: string;
  /** Without the query, which may carry a token. */
  readonly path: string;
  readonly route: string;
  readonly outcome: Outcome;
  /** The status that was sent to the client; null without one. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Bytes of the request body that have arrived. */
  readonly requestBytes: number;
  /** The upstream that got the request; null when none did. */
  readonly upstream: string | null;
}

/** By what a request is known elsewhere, as far as a line or a span says it. */
export type RecordMarks = Pick<Marks, 'requestId' | 'traceId' | 'spanId' | 'parentId'>;

/** The facts of one exchange that are gathered while it lasts. */
export interface AccessRecord {
  /** Text of the client's address; null when the client left before it could be read. */
  client: string | null;
  readonly protocol: HttpVersion;
  /** Undefined: plain text. */
  readonly tls: ClientStream['tls'];
  /** By what the request is known elsewhere. */
  readonly marks: RecordMarks;
  /** Status of a reply, once it is sent. */
  status: number | undefined;
  durationMs: number;
  /** Address of the server that was tried last; null where none was. */
  server: string | null;
  /** Times that the request was sent upstream, or tried to be. */
  attempts: number;
  /** Bytes of the body of the response, or of the reply, given to the client's connection. */
  responseBytes: number;
  /** The rule by which the path, method or host has more than one reading; undefined for all other requests. */
  pathRule: string | undefined;
  /** The logged claims of its permit, as JSON; undefined where there are none. */
  claims: string | undefined;
  /** How a tunnel ended, or why the gateway ended a response with its token; undefined for all other exchanges. */
  end: string | undefined;
  /** The access log has a line of it. */
  readonly logged: boolean;
  /** Undefined: no span is exported. */
  span: SpanFacts | undefined;
}

/** The record of an exchange that begins; see `AccessLog.begin`. */
export function newRecord(
  { protocol, tls }: Pick<ClientStream, 'protocol' | 'tls'>,
  marks: RecordMarks,
  address: () => string | undefined,
  logged: boolean,
): AccessRecord {
  return {
    client: address() ?? null,
    protocol,
    tls,
    marks,
    status: undefined,
    durationMs: 0,
    server: null,
    attempts: 1,
    responseBytes: 0,
    pathRule: undefined,
    claims: undefined,
    end: undefined,
    logged,
    span: undefined,
  };
}

/**
 * Writes one line for each exchange that ended, if the configuration asks for it. A line never holds any part of a query,
 * of a token but the claims that the configuration names, or of a header field other than Host.
 */
export class AccessLog {
  readonly #errorsOnly: boolean;
  /** The part of all exchanges that is logged: 1 for all. */
  readonly #share: number;
  readonly #log: Pick<Log, 'info' | 'crowded'>;
  readonly #dropped: Counter;
  readonly #random: () => number;

  /** @param log gets the lines. @param dropped counts lines that were left out because the reader of the log is too slow. */
  constructor(
    mode: Exclude<Config['log']['access'], 'off'>,
    log: Pick<Log, 'info' | 'crowded'>,
    dropped: Counter,
    random: () => number = Math.random,
  ) {
    this.#errorsOnly = mode === 'errors';
    this.#share = mode === 'errors' ? 1 : mode;
    this.#log = log;
    this.#dropped = dropped;
    this.#random = random;
  }

  /**
   * Starts the record of an exchange; undefined when it will not be logged.
   * @param client its connection. @param marks made only for a line that is written. @param address text of the client's address, undefined when it is lost.
   */
  begin(
    client: Pick<ClientStream, 'protocol' | 'tls'>,
    marks: RecordMarks,
    address: () => string | undefined,
  ): AccessRecord | undefined {
    if (this.#share < 1 && this.#random() >= this.#share) return undefined;
    return newRecord(client, marks, address, true);
  }

  /** Must be called once for each record. */
  write(record: AccessRecord, end: AccessEnd): void {
    const { outcome, status } = end;
    const served =
      outcome === 'forwarded' ||
      outcome === 'upgraded' ||
      outcome === 'preflight_answered' ||
      outcome === 'options_answered' ||
      outcome === 'redirected';
    if (this.#errorsOnly && served && (status ?? 0) < FIRST_ERROR_STATUS) return;
    if (this.#log.crowded?.() === true) {
      this.#dropped.value += 1;
      return;
    }
    const { client, protocol, tls, marks } = record;
    const { requestId, traceId } = marks;
    const line = {
      client,
      protocol,
      ...(tls === undefined ? {} : { tls: tls.version, sni: serverNameOf(tls.serverName) }),
      ...shownEnd(end),
      route: end.route,
      outcome,
      status,
      durationMs: Math.round(end.durationMs * 1000) / 1000,
      requestBytes: end.requestBytes,
      answerBytes: record.responseBytes,
      upstream: end.upstream,
      server: record.server,
      ...(record.attempts === 1 ? {} : { attempts: record.attempts }),
      ...(record.end === undefined ? {} : { end: record.end }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(traceId === undefined ? {} : { traceId }),
      ...(record.pathRule === undefined ? {} : { pathRule: record.pathRule }),
      ...(record.claims === undefined ? {} : { claims: JSON.parse(record.claims) as object }),
    };
    try {
      this.#log.info(line, 'request');
    } catch {
      // When an embedder's log throws, the line is lost. The exchange goes on.
      this.#dropped.value += 1;
    }
  }
}

/** The texts of the client in the form in which they may be written down. */
export function shownEnd({ method, host, path }: Pick<AccessEnd, 'method' | 'host' | 'path'>): {
  readonly method: string;
  readonly host: string;
  readonly path: string;
} {
  return {
    method: lineText(method, MAX_METHOD),
    host: lineText(host.slice(host.lastIndexOf('@') + 1), MAX_HOST),
    path: lineText(withoutFragment(path), MAX_PATH),
  };
}

function serverNameOf(name: string | undefined): string | null {
  return name === undefined ? null : lineText(name, MAX_SERVER_NAME);
}

/** Requests with a fragment in their target are refused and logged, and a fragment may carry a token (RFC 6749 §4.2.2). */
function withoutFragment(path: string): string {
  const at = path.indexOf('#');
  return at < 0 ? path : path.slice(0, at);
}
