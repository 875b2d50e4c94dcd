import type { Buffer } from 'node:buffer';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { FrontEvents, TlsFacts } from '../../front.ts';
import type { ClientSocket } from '../client-socket.ts';
import { type Budget, costs } from './budget.ts';
import { ClosedStreams, ENDED, RESET_BY_CLIENT, RESET_BY_US } from './closed-streams.ts';
import {
  CANCEL,
  COMPRESSION_ERROR,
  ConnectionFault,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  MAX_31_BITS,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  RST_STREAM,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './codes.ts';
import { kindOf } from './field-kinds.ts';
import type { HeldBytes } from './held-bytes.ts';
import { HpackDecoder, staticFields } from './hpack/decoder.ts';
import { FieldList } from './hpack/field.ts';
import { RepeatedLiterals } from './hpack/repeated-literals.ts';
import { LastHead } from './last-head.ts';
import type { Output } from './output.ts';
import { RequestReader, trailersIn } from './request-reader.ts';
import type { Sending, WaitingStream } from './sending.ts';
import { H2Stream } from './stream.ts';
import type { StreamHost } from './stream-host.ts';
import { CONNECTION_WINDOW, FIRST_WINDOW } from './windows.ts';

/**
 * Streams of one connection at one time, as browsers and proxies use them. A stream counts until its exchange has ended,
 * not only until the client resets it.
 */
export const MAX_STREAMS = 128;

/** What holds for all connections of a front; the front changes it, the connections read it. */
export interface H2Terms {
  readonly events: FrontEvents;
  /** Bytes of a request head, as RFC 9113 §6.5.2 counts them, and its fields. */
  readonly limits: { readonly requestHead: number; readonly headerFields: number };
  /** Requests on one connection; Infinity for no limit. */
  readonly requestsPerConnection: number;
  /** Every client is asked to leave. */
  readonly draining: boolean;
  /** Milliseconds from the first byte of a head to its last. */
  readonly requestHeadMs: number;
  /** Milliseconds without a request. */
  readonly keepAliveMs: number;
  /** Milliseconds in which a client must take something of a response. */
  readonly sendMs: number;
  /** Some route opens WebSockets. */
  readonly webSockets: boolean;
  readonly held: HeldBytes;
  /** Counts the connections that speak HTTP/2. */
  readonly connections: { h2: number };
}

export interface StreamsOptions {
  readonly socket: ClientSocket;
  readonly output: Output;
  readonly sending: Sending;
  readonly budget: Budget;
  readonly terms: H2Terms;
  /** The client was told that it may open tunnels (RFC 8441 §3). */
  readonly connects: boolean;
  /** A stream has ended. */
  readonly onEnd: () => void;
}

/**
 * Bytes of a DATA frame that earns its client patience although the client's window cuts it short. With smaller ones a
 * client could make a response leave byte by byte, on all streams at once (CVE-2019-9511).
 */
const EARNING_BYTES = 256;

/** Pseudo-header fields that are the request line of HTTP/1.1, and no fields there. */
const REQUEST_LINE_FIELDS = 3;

const fixedFields = staticFields(kindOf);
/** One of each for all connections: a head is read from its block in one go. */
const list = new FieldList();
const repeated = new RepeatedLiterals();
const reader = new RequestReader();

/** The streams of one connection (RFC 9113 §5). Each method that takes a frame may throw `ConnectionFault`. */
export class Streams implements StreamHost {
  /** The highest stream that the client has opened. */
  last = 0;
  /** Streams above this one are not served: the connection ends. */
  servedUpTo = MAX_31_BITS;
  readonly #options: StreamsOptions;
  readonly #decoder = new HpackDecoder(kindOf, fixedFields, repeated);
  readonly #lastHead = new LastHead();
  readonly #open = new Map<number, H2Stream>();
  readonly #closed = new ClosedStreams();
  #requests = 0;
  /** Bytes of DATA that the client may still send, and those that have come since the last grant. */
  #receiveWindow = CONNECTION_WINDOW;
  #received = 0;
  /** Bytes of DATA that a new stream may send. */
  #firstWindow = FIRST_WINDOW;
  /** The stream of the DATA frame that is coming in; undefined when its data is dropped. */
  #dataStream: H2Stream | undefined;
  #dataEnds = false;
  #dataIsEmpty = true;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  get redirects(): boolean {
    return this.#options.socket.redirects === true;
  }

  get scheme(): 'http' | 'https' {
    return this.#options.socket.scheme;
  }

  get tls(): TlsFacts | undefined {
    return this.#options.socket.tls;
  }

  get peer(): string | undefined {
    return this.#options.socket.peer;
  }

  get held(): HeldBytes {
    return this.#options.terms.held;
  }

  get sendMs(): number {
    return this.#options.terms.sendMs;
  }

  get isBlocked(): boolean {
    return this.#options.output.isBlocked;
  }

  get sendWindow(): number {
    return this.#options.sending.window;
  }

  /** A whole field block, [from, to) of `bytes`: a request, or the trailers of one. `ends`: nothing follows. */
  onBlock(id: number, ends: boolean, bytes: Buffer, from: number, to: number): void {
    const { requestHead, headerFields } = this.#options.terms.limits;
    list.clear(requestHead, headerFields + REQUEST_LINE_FIELDS);
    // Also where nothing will come of it: the next block refers to this one.
    if (!this.#decoder.decode(bytes, from, to, list)) throw new ConnectionFault(COMPRESSION_ERROR);
    const stream = this.#open.get(id);
    if (stream !== undefined) this.#onTrailers(stream, ends);
    else if (id > this.last) this.#onRequest(id, ends);
    else this.#onLateBlock(id);
  }

  /** A DATA frame begins; all its bytes count, whatever becomes of them (RFC 9113 §6.9.1). */
  onDataFrame(flags: number, id: number, length: number): void {
    if (length > this.#receiveWindow) throw new ConnectionFault(FLOW_CONTROL_ERROR);
    this.#receiveWindow -= length;
    this.#received += length;
    if (this.#received >= CONNECTION_WINDOW / 2) {
      this.#receiveWindow += this.#received;
      this.grant(0, this.#received);
      this.#received = 0;
    }
    this.#dataEnds = (flags & END_STREAM) !== 0;
    this.#dataIsEmpty = true;
    const stream = this.#open.get(id);
    this.#dataStream = stream;
    if (stream === undefined) this.#onLateData(id);
    else if (stream.remoteEnded) this.#refuse(stream, STREAM_CLOSED);
    else if (!stream.count(length)) this.#refuse(stream, FLOW_CONTROL_ERROR);
  }

  /** The next data of that frame, [from, to) of `bytes`; `last`: the frame is whole. */
  onData(bytes: Buffer, from: number, to: number, last: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isOver) return;
    const ends = last && this.#dataEnds;
    if (from < to) this.#dataIsEmpty = false;
    if (from === to && !ends) {
      if (this.#dataIsEmpty) this.#options.budget.spend(costs.frame);
    } else if (!stream.onData(bytes, from, to, ends)) this.#refuse(stream, PROTOCOL_ERROR);
  }

  onReset(id: number): void {
    const stream = this.#openOrPast(id);
    if (stream === undefined) {
      this.#options.budget.spend(costs.frame);
      return;
    }
    this.#forget(id, RESET_BY_CLIENT);
    stream.onGone();
    this.#options.onEnd();
    this.#options.budget.spend(costs.reset);
  }

  /** The client takes `bytes` more on one stream. */
  onWindow(id: number, bytes: number): void {
    const stream = this.#openOrPast(id);
    if (stream === undefined) return;
    if (bytes === 0) this.#refuse(stream, PROTOCOL_ERROR);
    else if (!stream.widen(bytes)) this.#refuse(stream, FLOW_CONTROL_ERROR);
  }

  /** The client takes `bytes` on each new stream, and as many more or fewer on those that are open (RFC 9113 §6.9.2). */
  onFirstWindow(bytes: number): void {
    const change = bytes - this.#firstWindow;
    this.#firstWindow = bytes;
    if (change === 0) return;
    for (const stream of this.#open.values()) {
      if (!stream.widen(change)) throw new ConnectionFault(FLOW_CONTROL_ERROR);
    }
  }

  /** A frame for a stream that was never opened (RFC 9113 §5.1). @returns the stream, undefined when it is over. */
  #openOrPast(id: number): H2Stream | undefined {
    const stream = this.#open.get(id);
    if (stream === undefined) this.#assertPast(id);
    return stream;
  }

  #assertPast(id: number): void {
    if (id > this.last || id % 2 === 0) throw new ConnectionFault(PROTOCOL_ERROR);
  }

  /** Ends streams whose request will not be complete. */
  cutUnfinished(): void {
    for (const stream of this.#open.values()) if (!stream.remoteEnded) this.#cut(stream, CANCEL);
  }

  /** The connection is over: no stream can be answered. */
  cutAll(): void {
    for (const stream of this.#open.values()) {
      this.#open.delete(stream.id);
      stream.onGone();
    }
  }

  /** @param now monotonic milliseconds. @param isHalfClosed the client sends nothing more, so no window grows. */
  review(now: number, isHalfClosed: boolean): void {
    for (const stream of this.#open.values()) {
      if (isHalfClosed && stream.needsWindow) this.#cut(stream, CANCEL);
      else stream.reviewAlone(now);
    }
  }

  sendHead(id: number, head: ResponseHead, ends: boolean): void {
    this.#options.sending.head(id, head, ends);
  }

  sendBlock(id: number, block: Uint8Array, ends: boolean): void {
    this.#options.sending.block(id, [block], ends);
  }

  sendData(id: number, bytes: Uint8Array, from: number, to: number, ends: boolean): void {
    if (to === bytes.length || to - from >= EARNING_BYTES) this.#options.budget.earn();
    this.#options.sending.data(id, bytes, from, to, ends);
  }

  grant(id: number, bytes: number): void {
    this.#options.output.numberFrame(WINDOW_UPDATE, id, bytes);
  }

  wait(stream: WaitingStream): void {
    this.#options.sending.wait(stream);
  }

  end(id: number, code: number | undefined): void {
    if (code === undefined) this.#options.budget.earn();
    else this.#options.output.numberFrame(RST_STREAM, id, code);
    this.#forget(id, code === undefined ? ENDED : RESET_BY_US);
    this.#options.onEnd();
  }

  #onRequest(id: number, ends: boolean): void {
    const { budget, terms } = this.#options;
    const { events } = terms;
    this.last = id;
    if (id > this.servedUpTo) {
      // The client knows from GOAWAY, or soon will, that it may send this request elsewhere.
      budget.spend(costs.frame);
      return;
    }
    if (this.#open.size >= MAX_STREAMS) {
      this.#resetUnknown(id, REFUSED_STREAM);
      budget.spend(costs.refused);
      return;
    }
    const head = this.#readHead(ends);
    const stream = new H2Stream(this, id, head, ends, this.#firstWindow);
    this.#open.set(id, stream);
    this.#requests += 1;
    if (this.#requests >= terms.requestsPerConnection) this.servedUpTo = id;
    if (head.fault === 'request_malformed') budget.spend(costs.reset);
    try {
      events.onRequest(stream);
    } catch (error) {
      stream.abort();
      events.onFault(error);
    }
  }

  #readHead(ends: boolean): RequestHead {
    const known = this.#lastHead.recall(list, ends);
    if (known !== undefined) return known;
    const head = reader.read(list, ends, this.#options.connects);
    this.#lastHead.remember(head, list, ends);
    return head;
  }

  #onTrailers(stream: H2Stream, ends: boolean): void {
    const trailers = trailersIn(list);
    if (stream.remoteEnded) this.#refuse(stream, STREAM_CLOSED);
    else if (!ends || trailers === undefined || !stream.onTrailers(trailers)) {
      this.#refuse(stream, PROTOCOL_ERROR);
    }
  }

  /** A block for a stream that is over. What was sent before the client knew of our reset is dropped (§5.1). */
  #onLateBlock(id: number): void {
    const way = this.#closed.wayOf(id);
    if (way === RESET_BY_US || id > this.servedUpTo) this.#options.budget.spend(costs.frame);
    else if (way === RESET_BY_CLIENT) this.#refuseLate(id);
    // Numbers only grow, so one that is unknown was never opened (§5.1.1).
    else throw new ConnectionFault(way === ENDED ? STREAM_CLOSED : PROTOCOL_ERROR);
  }

  #onLateData(id: number): void {
    this.#assertPast(id);
    if (this.#closed.wayOf(id) === RESET_BY_US || id > this.servedUpTo)
      this.#options.budget.spend(costs.frame);
    else this.#refuseLate(id);
  }

  #refuseLate(id: number): void {
    this.#resetUnknown(id, STREAM_CLOSED);
    this.#options.budget.spend(costs.reset);
  }

  #resetUnknown(id: number, code: number): void {
    this.#options.output.numberFrame(RST_STREAM, id, code);
    this.#closed.add(id, RESET_BY_US);
  }

  /** A stream error of the client (RFC 9113 §5.4.2). */
  #refuse(stream: H2Stream, code: number): void {
    this.#cut(stream, code);
    this.#options.budget.spend(costs.reset);
  }

  #cut(stream: H2Stream, code: number): void {
    this.#options.output.numberFrame(RST_STREAM, stream.id, code);
    this.#forget(stream.id, RESET_BY_US);
    stream.onGone();
    this.#options.onEnd();
  }

  #forget(id: number, way: number): void {
    this.#open.delete(id);
    this.#closed.add(id, way);
  }
}
