import { Buffer } from 'node:buffer';
import type { TunnelSide } from '../../../http/tunnel-side.ts';
import type { FrontEvents } from '../../front.ts';
import type { ClientSocket, Protocol } from '../client-socket.ts';
import type { H1RequestHead } from './request-head.ts';
import { type ReaderTerms, RequestReader } from './request-reader.ts';
import { H1Stream, type StreamOwner } from './stream.ts';
import { H1Tunnel } from './tunnel.ts';

/** Bytes of requests that wait for the response to the one before; with more the client is kept from sending. */
const HELD_BYTES = 64 * 1024;

/**
 * Milliseconds without a request after which a connection closes while the front drains. Its client is told to leave with
 * the next response; one that sends nothing more must not hold up the process.
 */
const DRAIN_IDLE_MS = 10_000;

/** What holds for all connections of a front; the front changes it, the connections read it. */
export interface H1Terms extends ReaderTerms {
  readonly events: FrontEvents;
  /** Requests on one connection; Infinity for no limit. */
  readonly requestsPerConnection: number;
  /** Every response asks its client to leave. */
  readonly draining: boolean;
  /** Milliseconds from the first byte of a head to its last. */
  readonly requestHeadMs: number;
  /** Milliseconds without a request. */
  readonly keepAliveMs: number;
  /** Milliseconds in which a client must take something of a response. */
  readonly sendMs: number;
}

/** One HTTP/1.x connection: reads requests, one after another, and keeps those that come too early (RFC 9112 §9.3.2). */
export class H1Connection implements Protocol, StreamOwner {
  readonly socket: ClientSocket;
  readonly #terms: H1Terms;
  readonly #reader: RequestReader;
  /** The request that is served. */
  #stream: H1Stream | undefined;
  /** Bytes behind that request. */
  #held: Buffer | undefined;
  #requests = 0;
  /** Requests up to the last review. */
  #requestsThen = 0;
  /** Monotonic milliseconds of the first review without a request under way; -1 while there is one. */
  #idleSince = -1;
  /** The same for a head that has begun. */
  #headSince = -1;
  /** `#consume` runs: it goes on by itself when a request is over. */
  #consuming = false;
  /** Set when the connection carries another protocol; `#over` is then too. */
  #tunnel: H1Tunnel | undefined;
  /** The client sends nothing more. */
  #halfClosed = false;
  #over = false;
  #paused = false;

  constructor(socket: ClientSocket, terms: H1Terms) {
    this.socket = socket;
    this.#terms = terms;
    this.#reader = new RequestReader(terms, socket);
  }

  get isLast(): boolean {
    return this.#halfClosed || this.#terms.draining || this.#requests >= this.#terms.requestsPerConnection;
  }

  get sendMs(): number {
    return this.#terms.sendMs;
  }

  onBytes(bytes: Buffer): void {
    if (this.#over) this.#tunnel?.inlet.take(bytes);
    else if (this.#held === undefined) this.#consume(bytes);
    else this.#hold(bytes);
  }

  onDrained(): void {
    this.#tunnel?.onDrained();
    this.#stream?.onDrained();
  }

  onEnd(): void {
    this.#halfClosed = true;
    if (this.#tunnel !== undefined) {
      this.#tunnel.inlet.onEnd();
      return;
    }
    const stream = this.#stream;
    if (stream === undefined) this.#end();
    else if (stream.receiving || stream.isEventStream) {
      // The rest of its body will never come; and browsers that leave an event stream do no more than this.
      stream.onGone();
      this.#over = true;
      this.socket.destroy();
    }
  }

  onClosed(): void {
    this.#tunnel?.inlet.onClosed();
    this.#over = true;
    this.#held = undefined;
    this.#stream?.onGone();
  }

  onPaused(): void {
    const paused = this.#stream?.pausing === true || (this.#held?.length ?? 0) >= HELD_BYTES;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.socket.pause();
    else this.socket.resume();
  }

  onResponded(stream: H1Stream, close: boolean): void {
    if (this.#stream !== stream || this.#over) return;
    // The body goes on, or is read to its end so that another request can follow.
    if (stream.receiving && (stream.kept || !close)) return;
    if (close) this.#end();
    else this.#next();
  }

  onBodyOver(stream: H1Stream): void {
    if (this.#stream !== stream || this.#over) return;
    if (stream.receiving || stream.closes) this.#end();
    else this.#next();
  }

  giveAway(): TunnelSide {
    const held = this.#held;
    this.#over = true;
    this.#held = undefined;
    this.#stream = undefined;
    this.#tunnel = new H1Tunnel(this.socket, held, this.#halfClosed);
    return this.#tunnel;
  }

  review(now: number): void {
    if (this.#over) return;
    const { keepAliveMs, requestHeadMs } = this.#terms;
    if (this.#stream !== undefined || this.#requests !== this.#requestsThen) {
      this.#requestsThen = this.#requests;
      this.#idleSince = -1;
      this.#headSince = -1;
    }
    if (this.#stream !== undefined) {
      if (!this.#stream.reviewAlone(now)) this.#end();
      return;
    }
    if (this.#idleSince < 0) this.#idleSince = now;
    if (!this.#reader.begun) {
      this.#headSince = -1;
      const idleMs = this.#terms.draining ? Math.min(keepAliveMs, DRAIN_IDLE_MS) : keepAliveMs;
      if (now - this.#idleSince >= idleMs) this.#end();
    } else if (this.#headSince < 0) this.#headSince = now;
    else if (now - this.#headSince >= requestHeadMs) this.#begin(this.#reader.refuse('request_timeout'));
  }

  drain(): void {
    // The next response says so; an idle client may be about to send.
  }

  #consume(bytes: Buffer): void {
    const reader = this.#reader;
    const to = bytes.length;
    let at = 0;
    this.#consuming = true;
    while (at < to && !this.#over) {
      const stream = this.#stream;
      if (stream === undefined) {
        at = reader.read(bytes, at, to);
        if (reader.step === 'more') break;
        this.#begin(reader.takeHead());
      } else if (stream.receiving) at = stream.takeBytes(bytes, at, to);
      else {
        this.#hold(bytes.subarray(at));
        break;
      }
    }
    this.#consuming = false;
    if (this.#halfClosed && this.#stream === undefined && !this.#over) this.#end();
  }

  #begin(head: H1RequestHead): void {
    this.#requests += 1;
    this.#stream = new H1Stream(head, this);
    this.#terms.events.onRequest(this.#stream);
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held === undefined ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.onPaused();
  }

  #next(): void {
    this.#stream = undefined;
    if (this.#consuming) return;
    const held = this.#held;
    this.#held = undefined;
    this.onPaused();
    if (held !== undefined) this.#consume(held);
    else if (this.#halfClosed) this.#end();
  }

  /** Ends the connection behind what was sent. */
  #end(): void {
    this.#over = true;
    this.#held = undefined;
    this.#stream = undefined;
    this.socket.close();
  }
}
