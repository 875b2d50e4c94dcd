import type { Authorizer } from '../auth/authorizer.ts';
import type { ClientStream } from '../front/front.ts';
import type { Clock } from '../lib/clock.ts';
import { lineText } from '../lib/foreign-text.ts';
import type { Marks } from '../trace/marker.ts';
import type { RequestSpan } from '../trace/request-span.ts';
import { type AccessEnd, type AccessLog, type AccessRecord, newRecord, shownEnd } from './access-log.ts';
import { SpanFacts } from './span-facts.ts';
import { NO_ROUTE } from './tally.ts';

/** Characters of the name of a route, which the configuration chooses. */
const MAX_ROUTE = 256;

/** Where the spans of traced exchanges go. */
export interface SpanRules {
  readonly add: (span: RequestSpan) => void;
  readonly authorizer: Authorizer;
  /** Spans have the path. */
  readonly paths: boolean;
}

/** Gathers what is written down of exchanges: a line of the access log, a span, or both. */
export class Recorder {
  readonly #accessLog: AccessLog | undefined;
  readonly #spans: SpanRules | undefined;
  readonly #clock: Clock;

  constructor(accessLog: AccessLog | undefined, spans: SpanRules | undefined, clock: Clock) {
    this.#accessLog = accessLog;
    this.#spans = spans;
    this.#clock = clock;
  }

  /** Starts the record of an exchange; undefined when nothing of it is written down. See `AccessLog.begin`. */
  begin(
    client: Pick<ClientStream, 'protocol' | 'tls'>,
    marks: Marks,
    address: () => string | undefined,
  ): AccessRecord | undefined {
    const record = this.#accessLog?.begin(client, marks, address);
    const spans = this.#spans;
    if (spans === undefined || !marks.sampled) return record;
    const traced = record ?? newRecord(client, marks, address, false);
    traced.span = new SpanFacts(spans.authorizer, this.#clock);
    return traced;
  }

  /** Must be called once for each record. */
  write(record: AccessRecord, end: AccessEnd): void {
    if (record.logged) this.#accessLog?.write(record, end);
    if (record.span !== undefined) this.#spans?.add(this.#spanOf(record, record.span, end));
  }

  #spanOf(record: AccessRecord, facts: SpanFacts, end: AccessEnd): RequestSpan {
    const { traceId = '', spanId, parentId, requestId } = record.marks;
    const { method, host, path } = shownEnd(end);
    return {
      traceId,
      spanId,
      parentId,
      startedAt: facts.startedAt,
      durationMs: end.durationMs,
      method,
      host,
      path: this.#spans?.paths === true ? path : undefined,
      client: record.client,
      scheme: record.tls === undefined ? 'http' : 'https',
      protocol: record.protocol,
      route: end.route === NO_ROUTE ? undefined : lineText(end.route, MAX_ROUTE),
      outcome: end.outcome,
      status: end.status,
      requestBytes: end.requestBytes,
      responseBytes: record.responseBytes,
      upstream: end.upstream,
      server: record.server,
      attempts: record.attempts,
      cached: facts.cached,
      verificationMs: facts.verificationMs,
      requestId,
    };
  }
}
