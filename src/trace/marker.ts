import type { RequestIdConfig } from '../config/config.ts';
import type { TracingConfig } from '../config/records-config.ts';
import { TRACEPARENT, TRACESTATE } from '../http/field-names.ts';
import { valuesOf } from '../http/field-values.ts';
import {
  type Reply,
  type RequestHead,
  type RequestLines,
  type ResponseHead,
  withField,
  withLines,
} from '../http/message.ts';
import type { Networks } from '../http/networks.ts';
import type { Clock } from '../lib/clock.ts';
import { isRequestId, newRequestId } from './request-id.ts';
import { newSpanId, newTrace, readTraceContext, type TraceContext, traceLines } from './trace-context.ts';

/** The part of a client stream that decides on the marks of its request. */
interface Source {
  readonly head: RequestHead;
  /** Text of the peer's address, or undefined when it is lost. */
  peer(): string | undefined;
}

/** Marks requests with ids and traces. */
export class Marker {
  /** Name of the field with the request id as configured; undefined: there are none. */
  readonly header: string | undefined;
  readonly #field: string;
  readonly #trust: RequestIdConfig['trust'];
  readonly #sampling: Pick<TracingConfig, 'sample' | 'trust'> | undefined;
  readonly #random: () => number;
  readonly #trusted: Networks | undefined;
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #none: Marks = new Marks(this, undefined);
  /** A request without a trace begins one: the gateway itself writes it down, or its ids. */
  readonly begins: boolean;

  /**
   * @param rules undefined: no request ids. @param trusted the trusted proxies; undefined: none.
   * @param logs requests are written to an access log.
   * @param sampling which requests are traced; undefined: the gateway traces none.
   */
  constructor(
    rules: RequestIdConfig | undefined,
    trusted: Networks | undefined,
    clock: Pick<Clock, 'wall'>,
    logs: boolean,
    sampling?: Pick<TracingConfig, 'sample' | 'trust'>,
    random: () => number = Math.random,
  ) {
    this.begins = logs || rules !== undefined || sampling !== undefined;
    this.#sampling = sampling;
    this.#random = random;
    this.header = rules?.header;
    this.#field = rules?.header.toLowerCase() ?? '';
    this.#trust = rules?.trust ?? 'nobody';
    this.#trusted = trusted;
    this.#clock = clock;
  }

  /** Names of the fields that clients may not send on, because the gateway writes them itself. */
  get names(): readonly string[] {
    return this.header === undefined ? [TRACEPARENT, TRACESTATE] : [TRACEPARENT, TRACESTATE, this.header];
  }

  of(source: Source): Marks {
    // Nearly all requests of a gateway without ids and access log are without marks, and share these.
    return this.begins || source.head.names.includes(TRACEPARENT) ? new Marks(this, source) : this.#none;
  }

  /** The id of a request; undefined where there are none. */
  idOf(source: Source): string | undefined {
    return this.header === undefined
      ? undefined
      : (this.#givenTo(source) ?? newRequestId(this.#clock.wall()));
  }

  /** The trace of a request that has one, or begins one; undefined for all others. */
  traceOf(source: Source): TraceContext | undefined {
    const given = contextOf(source.head);
    const sampling = this.#sampling;
    if (sampling === undefined) return given ?? (this.begins ? newTrace(false) : undefined);
    // The word of a stranger counts for nothing: each of its requests would be exported, here and behind.
    const sampled =
      given !== undefined && this.#trusts(sampling.trust, source)
        ? given.sampled
        : this.#random() < sampling.sample;
    return given === undefined ? newTrace(sampled) : { ...given, sampled };
  }

  /** The id that the peer has sent; undefined where it has sent none, is not trusted, or the id is not well formed. */
  #givenTo(source: Source): string | undefined {
    const { head } = source;
    if (this.#trust === 'nobody' || !head.names.includes(this.#field)) return undefined;
    const [given = '', ...others] = valuesOf(head, this.#field);
    if (others.length > 0 || !isRequestId(given)) return undefined;
    return this.#trusts(this.#trust, source) ? given : undefined;
  }

  #trusts(trust: RequestIdConfig['trust'], source: Source): boolean {
    if (trust !== 'trustedProxies') return trust === 'everyone';
    const peer = source.peer();
    return peer !== undefined && this.#trusted?.has(peer) === true;
  }
}

/** By what one request is known to its client, to upstream and in the access log. Each is made when it is first needed. */
export class Marks {
  readonly #marker: Marker;
  /** Undefined once both marks are made: the line of a tunnel outlives the request. */
  #source: Source | undefined;
  #requestId: string | undefined;
  #trace: TraceContext | undefined;
  #spanId: string | undefined;

  /** @param source undefined: the request has no marks. */
  constructor(marker: Marker, source: Source | undefined) {
    this.#marker = marker;
    this.#source = source;
  }

  /** Undefined where no ids are configured. */
  get requestId(): string | undefined {
    if (this.#source !== undefined) this.#requestId ??= this.#marker.idOf(this.#source);
    return this.#requestId;
  }

  /** Undefined where the request has no trace and begins none. */
  get traceId(): string | undefined {
    return this.#context?.traceId;
  }

  /** The caller's span; empty where the trace begins here. */
  get parentId(): string {
    return this.#context?.parentId ?? '';
  }

  /** The gateway's own span, which is the parent of what upstream does. */
  get spanId(): string {
    this.#spanId ??= newSpanId();
    return this.#spanId;
  }

  /** The trace is recorded: by the gateway, if it traces requests. */
  get sampled(): boolean {
    return this.#context?.sampled === true;
  }

  /** The request for upstream, whose parent is a new span. */
  onRequest(lines: RequestLines): RequestLines {
    if (this.#source === undefined) return lines;
    const context = this.#context;
    const { requestId } = this;
    this.#source = undefined;
    const id = requestId === undefined ? '' : `${this.#marker.header}: ${requestId}\r\n`;
    const trace = context === undefined ? '' : traceLines(context, this.spanId, context.sampled);
    return id === '' && trace === '' ? lines : withLines(lines, id + trace);
  }

  /** The response for the client. */
  onResponse(head: ResponseHead): ResponseHead {
    const { requestId } = this;
    return requestId === undefined ? head : withField(head, this.#marker.header as string, requestId);
  }

  onReply(reply: Reply): Reply {
    return this.#marker.header === undefined ? reply : { ...reply, head: this.onResponse(reply.head) };
  }

  /** The trace of which the client says that the request is a part, or a new one. */
  get #context(): TraceContext | undefined {
    if (this.#trace === undefined && this.#source !== undefined)
      this.#trace = this.#marker.traceOf(this.#source);
    return this.#trace;
  }
}

function contextOf(head: RequestHead): TraceContext | undefined {
  if (!head.names.includes(TRACEPARENT)) return undefined;
  return readTraceContext(valuesOf(head, TRACEPARENT), valuesOf(head, TRACESTATE));
}
