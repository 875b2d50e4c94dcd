import { type RequestLines, withClose } from '../../http/message.ts';
import type { Reason } from '../../reasons.ts';
import { causeOf, causeOfReason } from '../down-causes.ts';
import { isRepeatable, mayShareConnection } from '../repeatable.ts';
import type { ResponseSink } from '../response-sink.ts';
import type { AttemptFailure } from '../retry.ts';
import type { ServerState } from '../server-state.ts';
import type { ConnectionTimes } from '../ticks.ts';
import type { UpstreamStream } from '../upstream-stream.ts';
import type { ByteSocket } from './byte-socket.ts';
import type { ConnectionOptions, ConnectionOwner } from './connection-owner.ts';
import { openSocket } from './open-socket.ts';
import { Persistence } from './persistence.ts';
import { Pipeline } from './pipeline.ts';
import type { ResponseHead } from './response-head.ts';
import { type ResponseFault, ResponseParser } from './response-parser.ts';
import { ResponseParts } from './response-parts.ts';
import { UpstreamTunnel } from './upstream-tunnel.ts';

const nothing: readonly Uint8Array[] = [];

/**
 * One connection to an upstream server: `connecting` → `idle` ⇄ `busy` → `closed`.
 *
 * The connection carries one request. If its depth allows, repeatable requests follow (RFC 9112 §9.3.2), and their
 * responses arrive in the same order. They follow only after upstream has shown that it keeps this connection, and while
 * no response is half-way. When the connection ends, each of them can be retried.
 *
 * Reading and writing end separately. The connection is used again only when the response is complete, the request has
 * been sent whole, and both sides keep it alive. Bytes that arrive while it is idle belong to no request. They close the
 * connection: otherwise they would be taken for the next response (response queue poisoning).
 */
export class Connection implements UpstreamStream {
  state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting';
  /** The tick at which silence becomes a failure; the pool compares it in every tick. */
  deadline: number;
  outlasted = false;
  readonly framesBody = true;
  readonly pacesBody = false;
  readonly #owner: ConnectionOwner<Connection>;
  readonly #times: ConnectionTimes;
  readonly #socket: ByteSocket;
  readonly #response = new ResponseParts();
  readonly #parser: ResponseParser;
  readonly #single: boolean;
  readonly #persistence: Persistence;
  readonly #pipeline: Pipeline;
  /** Receives the next response. */
  #sink: ResponseSink | undefined;
  /** Set when the server has agreed to another protocol. The pool does not know the connection any more then. */
  #tunnel: UpstreamTunnel | undefined;
  #connected = false;
  /** The connection has carried a request to its end. */
  #used = false;
  #method = '';
  #hasBody = false;
  #requestSent = false;
  #uploadBlocked = false;
  #readingPaused = false;

  constructor(options: ConnectionOptions<Connection>) {
    this.#owner = options.owner;
    this.#times = options.times;
    this.#parser = new ResponseParser(this.#response, { head: options.headLimit }, options.spareHeadReader);
    this.#persistence = new Persistence(options.times.keepAlive, options.depth);
    this.#single = options.single;
    this.deadline = options.owner.tick + options.times.connect;
    this.#socket = openSocket(options, (length, buffer) => this.#read(length, buffer), {
      onConnect: () => this.#onConnect(),
      onDrain: () => this.#onDrain(),
      onEnd: () => this.#onEnd(),
      onLost: (error) => this.#onLost(error),
    });
    this.#pipeline = new Pipeline(this.#socket, options.turn);
  }

  get server(): ServerState {
    return this.#owner.state;
  }

  get connecting(): boolean {
    return this.state === 'connecting';
  }

  /** Whether a repeatable request may be sent now, although another request is under way. */
  get hasRoom(): boolean {
    if (this.state !== 'busy' || !this.#used || this.#hasBody || this.#response.begun) return false;
    const hasPlace = this.#pipeline.size + 1 < this.#persistence.depth && this.#sink !== undefined;
    return hasPlace && mayShareConnection(this.#method);
  }

  /** `hasRoom`, and its requests leave at the end of this turn. */
  get hasUnsentRoom(): boolean {
    return this.#pipeline.writesAtTurnEnd && this.hasRoom;
  }

  /** The tick at which pipelined requests stop waiting for the end of the response under way. */
  get releaseAt(): number {
    return this.#pipeline.releaseAt;
  }

  /** May be called while idle or connecting; for a repeatable request also while there is room. */
  send(method: string, wire: RequestLines, hasBody: boolean, sink: ResponseSink): void {
    const head = this.#single && wire.upgrade === undefined ? withClose(wire) : wire;
    if (this.state === 'busy') {
      this.#pipeline.add({ method, head, sink });
      return;
    }
    this.#begin(method, hasBody, sink, wire.upgrade !== undefined);
    if (this.#connected) this.state = 'busy';
    if (this.#connected && !hasBody) this.#pipeline.write(head);
    else this.#socket.write(head.text, head.encoding);
    this.#setDeadline();
  }

  upload(bytes: Uint8Array | string): boolean {
    if (this.#socket.writeFailed || this.#response.refuses) {
      this.#uploadBlocked = true;
      this.#setDeadline();
      return false;
    }
    // A large piece exceeds the high-water mark even when the kernel took all of it at once.
    const free = this.#socket.write(bytes) || !this.keepsUpload;
    if (!free) this.#uploadBlocked = true;
    this.#setDeadline();
    return free;
  }

  uploadNow(bytes: Uint8Array): number {
    return this.#response.refuses ? 0 : this.#socket.writeNow(bytes);
  }

  get keepsUpload(): boolean {
    return this.#socket.writableLength > 0;
  }

  endUpload(): void {
    this.#requestSent = true;
    if (this.outlasted) this.#finishUpload();
    else this.#setDeadline();
  }

  continueUpload(sink: ResponseSink): void {
    this.#sink = sink;
  }

  pause(): void {
    if (this.#readingPaused || this.state === 'closed') return;
    this.#readingPaused = true;
    this.#socket.pause();
    this.#setDeadline();
  }

  resume(): void {
    if (!this.#readingPaused || this.state === 'closed') return;
    this.#readingPaused = false;
    this.#socket.resume();
    this.#setDeadline();
  }

  /** Ends the connection, unless other requests on it wait for their responses. */
  abandon(sink: ResponseSink): void {
    const pipeline = this.#pipeline;
    if (this.#sink !== sink) {
      pipeline.abandon(sink);
      if (this.#sink === undefined && !pipeline.awaited) this.#close();
      return;
    }
    this.#sink = undefined;
    if (!pipeline.awaited) this.#close();
    else if (pipeline.unsent) {
      pipeline.dropHead();
      this.#advance();
    } else {
      pipeline.startDiscarding();
      this.resume();
    }
  }

  /** Ends the connection without a report to its requests. */
  destroy(): void {
    this.#sink = undefined;
    this.#pipeline.clear();
    this.#close();
  }

  /** Called by the pool when the deadline has passed. */
  expire(): void {
    if (this.state === 'connecting') this.#fail('upstream_unreachable', 'timeout');
    else if (this.state === 'busy') this.#fail('upstream_timeout');
    else this.#close();
  }

  /** Retries the pipelined requests on other connections; this one closes after the current response. */
  release(): void {
    this.#pipeline.releaseAt = Number.POSITIVE_INFINITY;
    this.#response.keepAlive = false;
    if (this.#sink === undefined) this.#close();
    else this.#pipeline.failFollowers();
  }

  #onConnect(): void {
    this.#connected = true;
    this.#owner.state.connected();
    this.state = 'busy';
    // A connection without a request is a probe: it has shown that the server is back.
    if (this.#sink === undefined) this.#close();
    else {
      this.#setDeadline();
      this.#sink.onConnected?.();
    }
  }

  #onDrain(): void {
    this.#tunnel?.onDrained();
    if (!this.#uploadBlocked) return;
    this.#uploadBlocked = false;
    this.#setDeadline();
    this.#sink?.onUploadDrained();
  }

  #read(length: number, buffer: Buffer): boolean {
    if (this.state !== 'busy') {
      if (this.#tunnel !== undefined) return this.#tunnel.take(buffer.subarray(0, length));
      this.#close();
      return true;
    }
    if (this.#pipeline.unsent || this.outlasted) {
      // Bytes after the response, or before the request was written, belong to no request.
      this.#fail('upstream_reset');
      return true;
    }
    let bytes = buffer;
    let left = length;
    for (;;) {
      const consumed = this.#parser.push(bytes, left);
      if (consumed < 0) {
        this.#owner.onRefusedResponse(this.#parser.fault as ResponseFault);
        this.#fail('upstream_invalid_response');
        return true;
      }
      left -= consumed;
      if (this.#response.upgrades) return this.#becomeTunnel(bytes.subarray(consumed, consumed + left));
      const goesOn = left > 0 && this.#response.complete && this.#pipeline.followerIsSent;
      // Bytes after the response belong to no request: the connection must not carry another one.
      if (left > 0 && !goesOn) this.#response.keepAlive = false;
      this.#deliver();
      if (!goesOn || this.state !== 'busy') break;
      bytes = bytes.subarray(consumed);
    }
    // A head that trickles in, or a series of interim responses, does not postpone the time-out for the head.
    if (this.state === 'busy' && this.#response.begun) this.#setDeadline();
    return !this.#readingPaused;
  }

  /** Leaves the pool: the connection lasts as long as the tunnel, beyond its pool and its configuration. */
  #becomeTunnel(first: Buffer): boolean {
    const sink = this.#sink;
    this.#sink = undefined;
    this.state = 'closed';
    this.#tunnel = new UpstreamTunnel(this.#socket, first, this.#owner.state);
    this.#owner.state.heard(this.#response.head, true);
    this.#owner.onClosed(this);
    this.#tunnel.offer(this.#response.head as ResponseHead, sink);
    return this.#tunnel.wantsMore;
  }

  /** Hands over the parts of a response that one read brought, then goes on with the connection. */
  #deliver(): void {
    const sink = this.#sink;
    const response = this.#response;
    const { interims, head, trailers, pieces, complete } = response;
    if (interims === undefined && head === undefined && pieces === undefined && !complete) return;
    response.clear();
    if (interims !== undefined) for (const interim of interims) this.#sink?.onInterim?.(interim);
    if (head === undefined && pieces === undefined && !complete) return;
    if (head !== undefined) this.#persistence.restrict(head);
    if (complete) {
      this.outlasted = !this.#requestSent && response.goesOn && !this.#single && !this.#socket.writeFailed;
      this.#sink = undefined;
    }
    const { state } = this.#owner;
    if (state.failing || response.unavailable) state.heard(head, complete && !response.unavailable);
    let tooMuch = false;
    if (trailers !== undefined) sink?.onTrailers?.(trailers);
    if (sink !== undefined) sink.onResponse(head, pieces ?? nothing, complete);
    else tooMuch = !this.#pipeline.discard(pieces ?? nothing);
    if ((this.state as string) === 'closed') return; // The sink has ended it.
    if (complete) this.#finishResponse();
    else if (tooMuch) this.#close();
    else if (head !== undefined && this.#pipeline.size > 0) {
      if (response.keepAlive) this.#pipeline.releaseAt = this.#owner.tick + this.#times.response;
      else this.release();
    }
  }

  #finishResponse(): void {
    // The sink goes on with the request body.
    if (this.outlasted && this.#sink !== undefined) return;
    if (!this.#requestSent || !this.#response.keepAlive || this.#readingPaused || this.#single) this.#close();
    else {
      this.#used = true;
      this.#advance();
    }
  }

  #finishUpload(): void {
    const sink = this.#sink;
    this.outlasted = false;
    this.#sink = undefined;
    sink?.onUploadOver?.();
    if (this.#readingPaused) this.#close();
    else {
      this.#used = true;
      this.#advance();
    }
  }

  /** Goes on with the next pipelined request, if there is one. */
  #advance(): void {
    const next = this.#pipeline.next();
    if (next === undefined) {
      this.state = 'idle';
      this.#setDeadline();
      this.#owner.onReusable(this);
      return;
    }
    this.#begin(next.method, false, next.sink);
    if (next.sink === undefined) {
      this.#pipeline.startDiscarding();
      if (!this.#pipeline.awaited) this.#close();
    }
    this.#setDeadline();
    if (this.hasRoom) this.#owner.onRoom(this);
  }

  #begin(method: string, hasBody: boolean, sink: ResponseSink | undefined, mayUpgrade = false): void {
    this.#sink = sink;
    this.#parser.start(method, mayUpgrade);
    this.#method = method;
    this.#hasBody = hasBody;
    this.#response.restart();
    this.#pipeline.releaseAt = Number.POSITIVE_INFINITY;
    this.#requestSent = !hasBody;
    this.#uploadBlocked = false;
    this.outlasted = false;
  }

  #onEnd(): void {
    if (this.state === 'busy' && !this.outlasted && this.#parser.finish()) this.#deliver();
    if (this.#tunnel === undefined) this.#fail('upstream_reset');
    else this.#tunnel.onEnd();
  }

  #onLost(error: Error | undefined): void {
    if (this.#tunnel !== undefined) this.#tunnel.onClosed();
    else if (this.#connected) this.#fail('upstream_reset', causeOf(error, 'reset'));
    else this.#fail('upstream_unreachable', causeOf(error, 'failed'));
  }

  /** Ends the connection and reports the failure to the sink, unless its response is already complete. */
  #fail(reason: Reason, cause = causeOfReason(reason)): void {
    const sink = this.#sink;
    this.#sink = undefined;
    const sent = this.#requestSent ? 'all' : 'part';
    const failure: AttemptFailure = {
      reason,
      cause,
      sent: !this.#connected || this.#pipeline.unsent ? 'nothing' : sent,
      responseBegun: this.#parser.started,
      reused: this.#used,
      repeatable: isRepeatable(this.#method, this.#hasBody),
    };
    if (this.state === 'connecting') this.#owner.state.unreachable(cause, sink !== undefined);
    else if (sink !== undefined && !this.outlasted) this.#owner.onFailure(failure);
    this.#close();
    sink?.onFailure(failure);
  }

  #close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.#pipeline.dropHead();
    this.deadline = Number.POSITIVE_INFINITY;
    this.#socket.destroy();
    this.#owner.onClosed(this);
    this.#pipeline.failFollowers();
  }

  /** Sets the deadline after every step. It depends on the side that must act next. */
  #setDeadline(): void {
    if (this.state === 'closed' || this.state === 'connecting') return;
    const { tick } = this.#owner;
    if (this.state === 'idle') this.deadline = tick + this.#persistence.ticks;
    else if (this.#readingPaused || (!this.#requestSent && !this.#uploadBlocked)) {
      // The client must act: take bytes of the response, or send more of its body.
      this.deadline = Number.POSITIVE_INFINITY;
    } else this.deadline = tick + this.#response.silence(this.#times);
  }
}
