import type { Reply, RequestHead, ResponseHead } from '../../http/message.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ClientEvents, ClientStream } from '../front.ts';
import type { EngineResponse } from './engine.ts';
import { closeAndChunk, Linger } from './linger.ts';
import type { PeerNames } from './peers.ts';
import { Reading } from './reading.ts';
import { Sending, writeHead } from './sending.ts';

/**
 * Bytes of a refused request's body that are read so that the client may use its connection again. If more bytes are
 * missing, a new connection is cheaper, and this connection closes when the client has its reply.
 */
const DRAIN_BYTES = 16 * 1024 * 1024;

/**
 * Bytes of a request body that may be held when the response is complete to the engine. From then on the client cannot
 * be paused, and one body must not use up the budget of all bodies.
 */
const HELD_BYTES = 16 * 1024 * 1024;

const noBytes = new Uint8Array();

/** Settings of all streams of a front. The front changes them, the streams read them. */
export interface StreamTerms {
  /** Requests on one client connection, on average; Infinity for no limit. */
  readonly requestsPerConnection: number;
  /** Every response asks its client to leave. */
  readonly draining: boolean;
}

/** A client stream on uWebSockets.js. Owns the engine's response object, which is dead after an abort or the end. */
export class UwsStream extends Sending implements ClientStream {
  readonly protocol = 'http/1.1';
  readonly scheme = 'http';
  readonly redirects: boolean;
  readonly #peers: PeerNames;
  readonly #terms: StreamTerms;
  /** The response asks the client to leave, so that a balancer in front spreads its connections again. */
  readonly #leaves: boolean;
  #head: RequestHead | undefined;
  #events: ClientEvents | undefined;
  /** The head of a response that is not written yet. */
  #response: ResponseHead | undefined;
  /** The end of the response waits for the rest of the body. */
  #endWaits = false;
  /** The response is written, but not complete to the engine. */
  #sentEarly = false;
  /** Set once the connection only waits for the rest of the body. */
  #linger: Linger | undefined;

  constructor(response: EngineResponse, peers: PeerNames, terms: StreamTerms, redirects = false) {
    super(response);
    this.redirects = redirects;
    this.#peers = peers;
    this.#terms = terms;
    const often = terms.requestsPerConnection;
    this.#leaves = often !== Number.POSITIVE_INFINITY && Math.random() * often < 1;
    response.onAborted(() => {
      this.stopSending();
      this.#linger?.stop();
      this.#events?.onAborted();
    });
  }

  get head(): RequestHead {
    return this.#head as RequestHead;
  }

  /** Called once, before the stream is handed over. */
  set head(head: RequestHead) {
    this.#head = head;
  }

  /** False once the client has left or the response is complete. */
  get open(): boolean {
    return !this.over;
  }

  get started(): boolean {
    return this.begun;
  }

  get pausing(): boolean {
    return this.reading?.pausing === true;
  }

  listen(events: ClientEvents): void {
    this.#events = events;
  }

  peer(): string | undefined {
    return this.#peers.addressOf(this.response);
  }

  /** Must be called when the engine's handler is about to return. */
  handled(): void {
    this.handling = false;
  }

  takeBody(paced: boolean): void {
    const reading = new Reading(this.response, paced);
    this.reading = reading;
    this.response.onData((chunk, last) => {
      reading.take(chunk.byteLength, last);
      // The engine still delivers the body after the response is complete; only the linger counts it then.
      this.#linger?.take(chunk.byteLength, last);
      this.#events?.onRequestBody(new Uint8Array(chunk), last);
    });
  }

  pauseBody(): void {
    if (this.over || this.reading === undefined || this.reading.pausing) return;
    this.reading.stop();
    this.onStopped();
  }

  resumeBody(): void {
    if (this.over || this.reading?.pausing !== true) return;
    this.reading.go();
    this.onRead();
  }

  takePaused(): boolean {
    return this.reading?.takeStopped() === true;
  }

  keepBody(held: number): void {
    this.reading?.keep(held);
  }

  releaseBody(): void {
    if (!this.#endWaits) {
      this.#release();
      return;
    }
    this.#endWaits = false;
    if (!this.over && this.finish()) this.#events?.onDrained();
  }

  begin(head: ResponseHead): void {
    this.#response = head;
  }

  send(pieces: readonly Uint8Array[], last: boolean): boolean {
    const head = this.#response;
    if (head !== undefined) {
      // The engine sends no head before the first byte of the body.
      if (pieces.length === 0 && !last) return true;
      this.#response = undefined;
      if (last && pieces.length <= 1) return this.#sendAtOnce(head, pieces[0] ?? noBytes);
      this.startPieces(head, head.framing === 'length' ? head.contentLength : -1, this.#closes());
    }
    if (last && this.#bodyOutlasts()) {
      this.#endWaits = true;
      this.sendButEnd(pieces);
      return false;
    }
    return this.sendPieces(pieces, last);
  }

  reply(reply: Reply): void {
    if (this.begun) {
      const events = this.#events;
      this.abort();
      events?.onReplied(false);
      return;
    }
    // The engine goes on parsing the bytes that it has read, and ignores a close in the same turn. So a reply that must
    // end the connection waits for the next turn, and the engine never serves a request smuggled behind this one. A
    // client that asks for the close itself has often sent its body with the head: its reply waits for that body.
    if (this.#mustClose(reply) || (this.head.close && this.#receiving))
      setImmediate(() => this.#sendReply(reply));
    else this.#sendReply(reply);
  }

  abort(): void {
    if (this.over) return;
    this.#events = undefined;
    this.response.close();
  }

  review(now: number): boolean {
    if (this.stuck(now)) return false;
    this.reading?.review(now, this.over || this.behind, this.#sentEarly);
    return true;
  }

  /**
   * Sends a whole response.
   * @param close ends the connection after it.
   * @param announced for responses to HEAD or with 304, which have no body: the Content-Length to announce, or -1 for
   *   none. Undefined for all others.
   * @returns false when the client cannot take all of it now: a copy of the rest is kept and `onDrained` follows.
   */
  sendComplete(head: ResponseHead, body: Uint8Array, close: boolean, announced?: number): boolean {
    if (this.over) return true;
    this.resumeBody();
    this.begun = true;
    if (announced === undefined && !close && body.length > 0) return this.sendWhole(head, body);
    this.response.cork(() => {
      writeHead(this.response, head);
      this.over = true;
      if (announced === undefined) {
        if (close && this.closesItself) this.response.writeHeader('connection', 'close');
        this.response.end(body, close);
        return;
      }
      if (announced >= 0) this.response.writeHeader('content-length', String(announced));
      if (close) this.#endHeadByHand('close\r\n');
      else this.response.endWithoutBody();
    });
    if (close && announced !== undefined) {
      this.#events = undefined;
      this.response.close();
    }
    return true;
  }

  protected onDrained(): void {
    if (!this.#endWaits) this.#events?.onDrained();
  }

  /** The request body is not complete. */
  get #receiving(): boolean {
    return this.reading?.receiving === true;
  }

  #closes(): boolean {
    return this.head.close || this.#endsConnection();
  }

  /**
   * The connection ends although the client has not asked for that. After a chunked request it must end: the engine
   * parses trailers as a new request.
   */
  #endsConnection(): boolean {
    return this.#leaves || this.head.framing === 'chunked' || this.#terms.draining;
  }

  #mustClose(reply: Reply): boolean {
    return reply.close || this.#endsConnection() || this.#leftUnread();
  }

  #leftUnread(): boolean {
    return this.head.contentLength - (this.reading?.received ?? 0) > DRAIN_BYTES;
  }

  /** More bytes of a kept body may arrive than may be held, or the close after the response would cut the body off. */
  #bodyOutlasts(): boolean {
    const { reading } = this;
    if (reading?.kept !== true || !reading.receiving) return false;
    return this.#closes() || reading.untaken(this.head.contentLength) > HELD_BYTES;
  }

  #sendAtOnce(head: ResponseHead, body: Uint8Array): boolean {
    const announced = head.framing === 'none' ? head.contentLength : undefined;
    if (!this.#bodyOutlasts()) return this.sendComplete(head, body, this.#closes(), announced);
    this.#sendEarly(head, body, announced, this.#events);
    return true;
  }

  #sendReply(reply: Reply): void {
    const { head, body } = reply;
    const events = this.#events;
    const isSent = !this.over;
    if (isSent) {
      // A reply to HEAD announces the length of the body that a GET would have.
      const announced =
        this.head.method === 'HEAD' || head.framing === 'none' ? head.contentLength : undefined;
      const closes = this.head.close || this.#mustClose(reply);
      // With a fault in the head the framing is in doubt, so there is no body to wait for.
      if (closes && this.#receiving && this.head.fault === undefined) this.#sendEarly(head, body, announced);
      else this.sendComplete(head, body, closes, announced);
    }
    events?.onReplied(isSent);
  }

  /**
   * Sends a whole response while the client still sends its body. Closes the connection when the body is complete or the
   * wait was long enough, so that no reset overtakes the response. To the engine the response is never complete: if it
   * were, the engine would take the connection for idle, and could neither pause nor close it.
   * @param announced as for `sendComplete`. @param events receive the body until `releaseBody`.
   */
  #sendEarly(head: ResponseHead, body: Uint8Array, announced?: number, events?: ClientEvents): void {
    if (this.over) return;
    this.resumeBody();
    this.begun = true;
    this.#events = events;
    this.#sentEarly = true;
    this.response.cork(() => {
      writeHead(this.response, head);
      if (announced === undefined) {
        this.response.writeHeader('transfer-encoding', 'chunked');
        this.#endHeadByHand(closeAndChunk(body));
      } else {
        if (announced >= 0) this.response.writeHeader('content-length', String(announced));
        this.#endHeadByHand('close\r\n');
      }
    });
    if (events === undefined) this.#release();
  }

  #release(): void {
    if (!this.#sentEarly || this.over) return;
    this.#events = undefined;
    this.resumeBody();
    this.#linger = new Linger(() => this.response.close());
    if (!this.#receiving) this.#linger.take(0, true);
  }

  /** Ends a head without a body. The engine closes by itself only after a body, so the caller closes the connection. */
  #endHeadByHand(connection: string | Uint8Array): void {
    this.response.writeHeader('date', new Date(systemClock.wall()).toUTCString());
    this.response.writeHeader('connection', connection);
  }
}
