import { connect, type Socket } from 'node:net';
import type { Reason } from '../reasons.ts';
import type { Letter, Outbox } from './outbox.ts';
import type { WireHead } from './request-writer.ts';
import type { ResponseEvents, ResponseHead } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';
import type { SpareHeadReader } from './spare-head-reader.ts';

/**
 * Bytes read from upstream at once. All connections share one buffer, because a read and everything that is done
 * with its bytes happen in one turn; what a slow client cannot take is copied out of it, so this also bounds what
 * one slow client costs.
 */
const READ_BYTES = 128 * 1024;

/** What an exchange hears from the connection that carries it. */
export interface ResponseSink {
  /** Part of an answer: `head` when it arrived now, views of body bytes that die with the call. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void;
  /** The answer will not come, or not all of it. `retryable`: nothing of it came and upstream may be asked again. */
  onFailure(reason: Reason, retryable: boolean): void;
  /** The socket takes body bytes again. */
  onUploadDrained(): void;
}

/** Time-outs in the owner's ticks. */
export interface ConnectionTimes {
  readonly connect: number;
  /** From the end of a request, or upstream's last taking of its body, to the head of an answer. */
  readonly response: number;
  /** Of silence between two pieces of an answer, and of a connection without a request. */
  readonly idle: number;
}

/** The pool, as its connections see it. */
export interface ConnectionOwner {
  /** The time. */
  readonly tick: number;
  onReusable(connection: Connection): void;
  onClosed(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly times: ConnectionTimes;
  readonly headLimit: number;
  readonly readBuffer: Buffer;
  readonly spareHeadReader: SpareHeadReader;
  readonly outbox: Outbox;
  readonly owner: ConnectionOwner;
}

/** The buffer that all connections of a process may share. */
export function readBuffer(): Buffer {
  return Buffer.allocUnsafeSlow(READ_BYTES);
}

const nothing: readonly Uint8Array[] = [];

/** Repeating them does no harm beyond what one request does (RFC 9110 §9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * One connection to an upstream server: `connecting` → `idle` ⇄ `busy` → `closed`.
 *
 * Reading and writing end separately; the connection may be used again only when the answer is complete, the
 * request has been sent whole, and both sides keep it alive. Bytes that arrive while it is idle were asked for by
 * nobody and would be taken for the next request's answer (response queue poisoning), so they close it.
 */
export class Connection implements ResponseEvents, Letter {
  state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting';
  /** The tick at which silence becomes a failure; the pool compares it in every tick. */
  deadline: number;

  private readonly owner: ConnectionOwner;
  private readonly times: ConnectionTimes;
  private readonly socket: Socket;
  private readonly outbox: Outbox;
  private readonly parser: ResponseParser;
  private sink: ResponseSink | undefined;
  private connected = false;
  private used = false;
  /** A request head that is written when the turn is over; upstream has seen nothing of it. */
  private unsent: WireHead | undefined;
  private method = '';
  private hasBody = false;
  private requestSent = false;
  private uploadBlocked = false;
  private readingPaused = false;
  /** The head of the answer has come. */
  private answering = false;
  private keepAlive = false;
  private head: ResponseHead | undefined;
  private pieces: Uint8Array[] | undefined;
  private complete = false;

  constructor(options: ConnectionOptions) {
    this.owner = options.owner;
    this.times = options.times;
    this.parser = new ResponseParser(this, { head: options.headLimit }, options.spareHeadReader);
    this.outbox = options.outbox;
    this.deadline = options.owner.tick + options.times.connect;
    this.socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        buffer: options.readBuffer,
        callback: (length, buffer) => this.read(length, buffer as Buffer),
      },
    });
    this.socket.on('connect', () => this.onConnect());
    this.socket.on('drain', () => this.onDrain());
    this.socket.on('end', () => this.onEnd());
    this.socket.on('error', () => this.fail(this.connected ? 'upstream_reset' : 'upstream_unreachable'));
    this.socket.on('close', () => this.fail(this.connected ? 'upstream_reset' : 'upstream_unreachable'));
  }

  /** Sends a request head; the body, if `hasBody`, follows through `upload`. Only while idle or connecting. */
  send(method: string, head: WireHead, hasBody: boolean, sink: ResponseSink): void {
    this.sink = sink;
    this.parser.start(method);
    this.method = method;
    this.hasBody = hasBody;
    this.answering = false;
    this.requestSent = !hasBody;
    this.uploadBlocked = false;
    if (this.connected) this.state = 'busy';
    if (this.connected && !hasBody) {
      this.unsent = head;
      this.outbox.add(this);
    } else this.socket.write(head.text, head.encoding);
    this.touch();
  }

  /** Called by the outbox at the end of the turn in which the head was given to it. */
  post(): void {
    const head = this.unsent;
    if (head === undefined) return;
    this.unsent = undefined;
    this.socket.write(head.text, head.encoding);
  }

  /** Sends body bytes, framed by the caller. Returns false when the sink must wait for `onUploadDrained`. */
  upload(bytes: Uint8Array | string): boolean {
    // A large piece passes the high-water mark even when the kernel took all of it at once.
    const free = this.socket.write(bytes) || !this.keepsUpload;
    if (!free) this.uploadBlocked = true;
    this.touch();
    return free;
  }

  /** The socket still needs the memory of bytes it was given. */
  get keepsUpload(): boolean {
    return this.socket.writableLength > 0;
  }

  /** The request body is through. */
  endUpload(): void {
    this.requestSent = true;
    this.touch();
  }

  /** Stops reading the answer until `resume`; upstream's silence is then not its fault. */
  pause(): void {
    if (this.readingPaused || this.state === 'closed') return;
    this.readingPaused = true;
    this.socket.pause();
    this.touch();
  }

  resume(): void {
    if (!this.readingPaused || this.state === 'closed') return;
    this.readingPaused = false;
    this.socket.resume();
    this.touch();
  }

  /** Ends the connection without a word to the sink. */
  destroy(): void {
    this.sink = undefined;
    this.close();
  }

  /** Called by the pool when the deadline has passed. */
  expire(): void {
    if (this.state === 'connecting') this.fail('upstream_unreachable');
    else if (this.state === 'busy') this.fail('upstream_timeout');
    else this.close();
  }

  onHead(head: ResponseHead): void {
    this.head = head;
    this.answering = true;
    this.keepAlive = head.keepAlive;
  }

  onBody(chunk: Uint8Array): void {
    if (this.pieces === undefined) this.pieces = [chunk];
    else this.pieces.push(chunk);
  }

  onComplete(): void {
    this.complete = true;
  }

  private onConnect(): void {
    this.connected = true;
    this.state = this.sink === undefined ? 'idle' : 'busy';
    this.touch();
  }

  private onDrain(): void {
    if (!this.uploadBlocked) return;
    this.uploadBlocked = false;
    this.touch();
    this.sink?.onUploadDrained();
  }

  private read(length: number, buffer: Buffer): boolean {
    if (this.state !== 'busy' || this.sink === undefined) {
      this.close();
      return true;
    }
    if (this.unsent !== undefined) {
      // Bytes that came before the request was written answer nothing of ours.
      this.fail('upstream_reset');
      return true;
    }
    const consumed = this.parser.push(buffer, length);
    if (consumed < 0) {
      this.fail('upstream_invalid_response');
      return true;
    }
    // Bytes behind the answer belong to no request of ours: the connection must not carry another one.
    if (consumed < length) this.keepAlive = false;
    this.deliver();
    // A head that trickles in, or a series of interim answers, does not put off the time-out for the head.
    if (this.state === 'busy' && this.answering) this.touch();
    return !this.readingPaused;
  }

  /** Hands over what one read brought, then lets the connection go if the exchange is through. */
  private deliver(): void {
    const { head, pieces, complete, sink } = this;
    if (head === undefined && pieces === undefined && !complete) return;
    this.head = undefined;
    this.pieces = undefined;
    this.complete = false;
    if (complete) this.sink = undefined;
    sink?.onResponse(head, pieces ?? nothing, complete);
    if (!complete || this.isClosed()) return;
    if (!this.requestSent || !this.keepAlive || this.readingPaused) {
      this.close();
      return;
    }
    this.used = true;
    this.state = 'idle';
    this.touch();
    this.owner.onReusable(this);
  }

  private onEnd(): void {
    if (this.state === 'busy' && this.parser.finish()) this.deliver();
    this.fail('upstream_reset');
  }

  /** Ends the connection and tells the sink why, unless its answer is already complete. */
  private fail(reason: Reason): void {
    const { sink } = this;
    this.sink = undefined;
    // A used connection may have been closed by the server while the request was on its way (RFC 9112 §9.3.1).
    const died = reason === 'upstream_reset' && this.used && !this.parser.started;
    const retryable = this.unsent !== undefined || (died && !this.hasBody && idempotent.has(this.method));
    this.close();
    sink?.onFailure(reason, retryable);
  }

  private close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.unsent = undefined;
    this.deadline = Number.POSITIVE_INFINITY;
    this.socket.destroy();
    this.owner.onClosed(this);
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Sets the deadline after every step: whose turn it is decides whether there is one. */
  private touch(): void {
    if (this.state === 'closed' || this.state === 'connecting') return;
    const { owner, times } = this;
    if (this.state === 'idle') this.deadline = owner.tick + times.idle;
    else if (this.readingPaused || (!this.requestSent && !this.uploadBlocked)) {
      // The client's turn: to take what it was sent, or to send more of its body.
      this.deadline = Number.POSITIVE_INFINITY;
    } else this.deadline = owner.tick + (this.answering ? times.idle : times.response);
  }
}
