import { Buffer } from 'node:buffer';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { Duplex } from 'node:stream';
import type { RequestLines } from '../../http/message.ts';
import type { Reason } from '../../reasons.ts';
import { causeOfReason } from '../down-causes.ts';
import { isRepeatable } from '../repeatable.ts';
import type { ResponseSink } from '../response-sink.ts';
import type { AttemptFailure } from '../retry.ts';
import type { DownCause } from '../server-report.ts';
import type { ServerState } from '../server-state.ts';
import type { UpstreamStream } from '../upstream-stream.ts';
import { type H2Request, type RequestFields, requestFields, trailerFields } from './request-fields.ts';
import { H2Response } from './response.ts';
import type { H2Fault } from './response-reader.ts';
import type { SessionOptions } from './session-owner.ts';

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/** node:http2 found the bytes of the server against the protocol. */
export function isViolation(error: Error | undefined): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_HTTP2_ERROR';
}

const nothing: readonly Uint8Array[] = [];

/** The session of a stream, as the stream sees it. */
export interface StreamHost {
  readonly tick: number;
  readonly scheme: 'http' | 'https';
  readonly options: SessionOptions<unknown>;
  readonly isOpen: boolean;
  used: boolean;
  /** Why all streams of the session failed; undefined while it lasts. */
  readonly loss: Reason | undefined;
  readonly lossCause: DownCause;
  /** The server has begun the stream with this number, as far as it has said. */
  hasBegun(id: number | undefined): boolean;
  request(fields: RequestFields, ends: boolean, waitForTrailers: boolean): ClientHttp2Stream;
  onRefusedResponse(fault: H2Fault): void;
  onFailure(failure: AttemptFailure): void;
  /** The stream no longer counts among those of the session. */
  onStreamClosed(stream: H2Stream): void;
  checkAlive(): void;
}

/**
 * One request on a session, and its response (RFC 9113 §8.1). The request waits until the session is open. The parts of
 * the response that arrive within a turn go to the sink together.
 */
export class H2Stream implements UpstreamStream {
  /** The tick at which silence becomes a failure. */
  deadline = Number.POSITIVE_INFINITY;
  outlasted = false;
  readonly framesBody = false;
  readonly #host: StreamHost;
  #sink: ResponseSink | undefined;
  #node: ClientHttp2Stream | undefined;
  #request: H2Request | undefined;
  #method = '';
  #hasBody = false;
  /** Bytes of the body that came before the session was open. */
  #waiting: Uint8Array[] = [];
  /** Bytes of the body have come, and are not kept for another attempt. */
  #bodyGiven = false;
  #requestSent = false;
  #uploadBlocked = false;
  #trailersToSend = '';
  #paused = false;
  /** `#deliver` runs when the turn is over. */
  #armed = false;
  readonly #response: H2Response;
  /** The server has ended its side: the response is whole. */
  #serverEnded = false;
  /** All that the server has sent is among the parts. */
  #read = false;
  /** node:http2 has given up the session because of the server's bytes. */
  #violated = false;
  /** The session was lost before the stream was closed. */
  #lost = false;
  /** The sink has the whole response, or its failure. */
  #over = false;

  constructor(host: StreamHost) {
    this.#host = host;
    this.#response = new H2Response(host.options.reader, host.options.headLimit);
  }

  get server(): ServerState {
    return this.#host.options.owner.state;
  }

  /** A call of gRPC may be silent on both sides as long as any part of a response. */
  get pacesBody(): boolean {
    return this.#request?.grpc === true;
  }

  get connecting(): boolean {
    return this.#node === undefined && !this.#host.isOpen;
  }

  send(method: string, head: RequestLines, hasBody: boolean, sink: ResponseSink): void {
    this.#sink = sink;
    this.#method = method;
    this.#hasBody = hasBody;
    this.#requestSent = !hasBody;
    this.#request = requestFields(head, this.#host.scheme);
    if (this.#host.isOpen) this.#begin();
  }

  /** The session is open, so the body may follow. Called by the session. */
  begin(): void {
    this.#begin();
    this.#sink?.onConnected?.();
  }

  /** Sends the request and what has come of its body. */
  #begin(): void {
    const request = this.#request;
    if (request === undefined || this.#over) return;
    const waitForTrailers = this.#hasBody && !request.hasLength;
    const node = this.#host.request(request.fields, !this.#hasBody, waitForTrailers);
    this.#node = node;
    this.#listen(node);
    if (this.#paused) node.pause();
    for (const bytes of this.#waiting) node.write(bytes);
    this.#waiting = [];
    if (this.#hasBody && this.#requestSent) node.end();
    this.#setDeadline();
    if (this.#uploadBlocked && !node.writableNeedDrain) this.#onDrain();
  }

  upload(bytes: Uint8Array | string): boolean {
    this.#bodyGiven = true;
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    const node = this.#node;
    if (node === undefined) this.#waiting.push(data);
    // The server has ended the stream; its last words are on their way to the sink.
    else if (node.closed || node.destroyed) this.#waiting = [];
    else if (node.write(data)) {
      this.#setDeadline();
      return true;
    }
    this.#uploadBlocked = true;
    this.#setDeadline();
    return false;
  }

  /** node:http2 writes at the end of the turn. */
  uploadNow(): number {
    this.#bodyGiven = true;
    return 0;
  }

  get keepsUpload(): boolean {
    return this.#waiting.length > 0 || (this.#node?.writableLength ?? 0) > 0;
  }

  endUpload(trailers: string): void {
    this.#requestSent = true;
    this.#trailersToSend = trailers;
    this.#node?.end();
    this.#setDeadline();
    if (!this.outlasted) return;
    const sink = this.#sink;
    this.outlasted = false;
    this.#sink = undefined;
    sink?.onUploadOver?.();
  }

  continueUpload(sink: ResponseSink): void {
    this.#sink = sink;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#node?.pause();
    this.#setDeadline();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#node?.resume();
    this.#setDeadline();
    this.#arm();
  }

  abandon(sink: ResponseSink): void {
    if (this.#sink !== sink) return;
    this.#sink = undefined;
    this.#over = true;
    this.#cancel(NGHTTP2_CANCEL);
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#sink === undefined) this.#node?.destroy();
    else {
      this.#host.checkAlive();
      this.#fail('upstream_timeout', NGHTTP2_CANCEL);
    }
  }

  /** Reports nothing more. */
  drop(): void {
    this.#sink = undefined;
    this.#over = true;
  }

  /** The session is lost. A stream that has begun hears of that from node:http2, behind all that has arrived for it. */
  onLost(): void {
    if (this.#node === undefined) this.#onGone();
  }

  #listen(node: ClientHttp2Stream): void {
    // Node.js reports END_STREAM and a reset with NO_ERROR by the same events, but only the first ends a response.
    node.push = (chunk: unknown): boolean => {
      if (chunk === null && !node.closed) this.#serverEnded = true;
      return Duplex.prototype.push.call(node, chunk);
    };
    const response = this.#response;
    node.on('headers', (_: unknown, __: unknown, raw: readonly string[]) =>
      this.#onPart(response.takeInterim(raw, this.#method)),
    );
    node.on('response', (_: unknown, flags: number, raw: readonly string[]) =>
      this.#onPart(response.takeHead(raw, this.#method, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)),
    );
    node.on('trailers', (_: unknown, __: unknown, raw: readonly string[]) =>
      this.#onPart(response.takeTrailers(raw)),
    );
    node.on('data', (chunk: Uint8Array) => this.#onPart(response.takeBody(chunk)));
    node.on('end', () => {
      if (!this.#serverEnded) return;
      this.#read = true;
      this.#arm();
    });
    node.on('wantTrailers', () => {
      if (!node.closed) node.sendTrailers(trailerFields(this.#trailersToSend));
    });
    node.on('drain', () => this.#onDrain());
    // `close` follows.
    node.on('error', (error) => {
      this.#violated = isViolation(error);
    });
    node.on('close', () => this.#onGone());
  }

  #onPart(isRight: boolean): void {
    if (isRight) this.#arm();
    else this.#refuse(this.#response.fault);
  }

  #onDrain(): void {
    if (!this.#uploadBlocked) return;
    this.#uploadBlocked = false;
    this.#setDeadline();
    this.#sink?.onUploadDrained();
  }

  /** The stream is closed on both sides, or its session is lost. */
  #onGone(): void {
    const host = this.#host;
    const node = this.#node;
    if (this.#serverEnded && node !== undefined) {
      // What the client has not taken yet is in the stream, although the session may be gone.
      for (let chunk = node.read(); chunk !== null; chunk = node.read()) {
        this.#onPart(this.#response.takeBody(chunk));
      }
      this.#read = true;
    }
    // With its last stream a session may end, which is no failure of the stream.
    this.#lost = host.loss !== undefined;
    host.onStreamClosed(this);
    if (!this.#over) this.#deliver();
    if (!this.#serverEnded && this.#sink !== undefined) this.#fail(this.#reasonOf(node), NGHTTP2_CANCEL);
    this.deadline = Number.POSITIVE_INFINITY;
  }

  /** Why the stream was closed before its end. */
  #reasonOf(node: ClientHttp2Stream | undefined): Reason {
    const { loss } = this.#host;
    if (this.#lost && loss !== undefined && !this.#violated) return loss;
    // The server sends this code for a faulty request, and node:http2 for a faulty response; it does not say which.
    if (node?.rstCode !== NGHTTP2_PROTOCOL_ERROR && !this.#violated) return 'upstream_reset';
    this.#host.onRefusedResponse('protocol_error');
    return 'upstream_invalid_response';
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#host.options.turn.atEnd(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#armed = false;
    this.#deliver();
  };

  /** Hands over what has arrived of the response. */
  #deliver(): void {
    if (this.#over || this.#paused) return;
    const sink = this.#sink;
    const response = this.#response;
    const { interims, head, pieces, trailers } = response;
    const complete = this.#read;
    response.clear();
    if (complete && response.isShort) {
      this.#refuse('body_length');
      return;
    }
    if (interims !== undefined) for (const interim of interims) sink?.onInterim?.(interim);
    if (this.#over || (head === undefined && pieces === undefined && !complete)) return;
    const { state } = this.#host.options.owner;
    if (state.failing || response.unavailable) state.heard(head, complete && !response.unavailable);
    if (complete) this.#complete();
    else this.#setDeadline();
    if (complete && trailers !== undefined) sink?.onTrailers?.(trailers);
    sink?.onResponse(head, pieces ?? nothing, complete);
    if (complete) this.#finish();
  }

  #complete(): void {
    this.#over = true;
    this.#sink = undefined;
    this.outlasted = !this.#requestSent && this.#response.accepts && this.#node?.closed === false;
    this.#host.used = true;
  }

  /** The response is complete. Unless the sink goes on with the request body, the rest of it is not needed. */
  #finish(): void {
    if (this.outlasted && this.#sink !== undefined) return;
    this.outlasted = false;
    if (this.#requestSent) this.#setDeadline();
    else this.#cancel(NGHTTP2_CANCEL);
  }

  #refuse(fault: H2Fault): void {
    if (this.#over) return;
    this.#host.onRefusedResponse(fault);
    this.#fail('upstream_invalid_response', NGHTTP2_PROTOCOL_ERROR);
  }

  /** Reports the failure to the sink, and ends the stream. */
  #fail(reason: Reason, code: number): void {
    const sink = this.#sink;
    const node = this.#node;
    const host = this.#host;
    const refused = node?.rstCode === NGHTTP2_REFUSED_STREAM;
    const untaken = node === undefined || refused || (node.closed && !host.hasBegun(node.id));
    const sent = this.#requestSent ? 'all' : 'part';
    const failure: AttemptFailure = {
      reason,
      cause: this.#lost ? host.lossCause : causeOfReason(reason),
      sent: untaken && !this.#bodyGiven ? 'nothing' : sent,
      responseBegun: this.#response.started,
      reused: host.used,
      repeatable: isRepeatable(this.#method, this.#hasBody),
    };
    if (sink !== undefined && !this.outlasted && !untaken) host.onFailure(failure);
    this.#sink = undefined;
    this.#over = true;
    this.#cancel(code);
    sink?.onFailure(failure);
  }

  #cancel(code: number): void {
    const node = this.#node;
    this.#response.clear();
    this.#waiting = [];
    if (node === undefined) this.#host.onStreamClosed(this);
    else if (node.closed) node.destroy();
    else {
      node.close(code);
      // Reads what is under way, so that the stream can close.
      node.resume();
      this.#setDeadline();
    }
  }

  /** Sets the deadline after every step. It depends on the side that must act next. */
  #setDeadline(): void {
    if (this.#node === undefined) return;
    const { tick, options } = this.#host;
    const { times } = options;
    const { idle } = times;
    if (this.#over && !this.outlasted) this.deadline = tick + idle;
    else if (this.#paused) this.deadline = Number.POSITIVE_INFINITY;
    else if (!this.#requestSent && !this.#uploadBlocked) {
      // The client must send more of its body. A call of gRPC has no pace.
      this.deadline = this.pacesBody ? tick + idle : Number.POSITIVE_INFINITY;
    } else this.deadline = tick + this.#response.silence(times);
  }
}
