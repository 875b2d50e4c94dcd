import { Buffer } from 'node:buffer';
import type { Reply, RequestHead, ResponseHead, Trailers } from '../../../http/message.ts';
import type { TunnelSide } from '../../../http/tunnel-side.ts';
import type { ClientStream, TlsFacts } from '../../front.ts';
import { Backlog, lastFilled } from './backlog.ts';
import * as codes from './codes.ts';
import { continueBlock, responseBlock, trailersBlock } from './response-block.ts';
import type { StreamEvents, StreamHost } from './stream-host.ts';
import { connectedHead, H2Tunnel } from './tunnel.ts';
import { STREAM_WINDOW } from './windows.ts';

const nothing: readonly Uint8Array[] = [];
const noBytes = new Uint8Array();

/** One request on an HTTP/2 connection, and its response (RFC 9113 §5). */
export class H2Stream implements ClientStream {
  readonly protocol = 'h2';
  readonly id: number;
  readonly head: RequestHead;
  /** The client has sent all of the request. */
  remoteEnded: boolean;
  /** Something of the response has been sent. */
  started = false;
  pausing = false;
  /** The stream is in the line of those that wait for the connection; only the connection sets it. */
  isWaiting = false;
  readonly redirects: boolean;
  readonly #host: StreamHost;
  #events: StreamEvents | undefined;
  #over = false;
  /** The exchange wants the request body. */
  #takes = false;
  #received = 0;
  /** Bytes of a body, with padding, that the client may still send. */
  #receiveWindow = STREAM_WINDOW;
  /** Bytes that have come, and that the client was not granted anew. */
  #taken = 0;
  #expectsContinue: boolean;
  /** What an extended CONNECT opens (RFC 8441 §4). */
  readonly #tunnel: H2Tunnel | undefined;
  #wasPaused = false;
  /** The body is wanted behind the end of the response. */
  #keeps = false;
  /** The response is complete. */
  #ended = false;
  /** Bytes of DATA that the client takes; below 0 after it has made its windows smaller (RFC 9113 §6.9.2). */
  #sendWindow: number;
  /** The head of a response of which nothing has been sent. */
  #response: ResponseHead | undefined;
  /** The field block to follow the body. */
  #trailers: Uint8Array | undefined;
  /** What waits for the client, behind the head if that waits too; undefined when nothing does. */
  #backlog: Backlog | undefined;
  /** Monotonic milliseconds since which the backlog stands still, as far as reviews saw; -1 when it moved. */
  #stuckAt = -1;

  /** @param ends the request has no body. @param sendWindow bytes of DATA that the client takes at first. */
  constructor(host: StreamHost, id: number, head: RequestHead, ends: boolean, sendWindow: number) {
    this.#host = host;
    this.redirects = host.redirects;
    this.id = id;
    this.head = head;
    this.remoteEnded = ends;
    this.#sendWindow = sendWindow;
    this.#expectsContinue = head.expectsContinue === true;
    if (head.connects === undefined) return;
    this.#tunnel = new H2Tunnel(this, host.held);
    this.pausing = true;
  }

  /** The response and the request are complete, or one side has given the stream up. */
  get isOver(): boolean {
    return this.#over;
  }

  get scheme(): 'http' | 'https' {
    return this.#host.scheme;
  }

  get tls(): TlsFacts | undefined {
    return this.#host.tls;
  }

  get behind(): boolean {
    return this.#backlog !== undefined;
  }

  /** Data waits that can only go on when the client makes a window larger. */
  get needsWindow(): boolean {
    const waits = this.#response === undefined && this.#backlog?.isEmpty === false;
    return waits && Math.min(this.#sendWindow, this.#host.sendWindow) <= 0;
  }

  listen(events: StreamEvents): void {
    this.#events = events;
  }

  peer(): string | undefined {
    return this.#host.peer;
  }

  takeBody(): void {
    this.#takes = true;
  }

  pauseBody(): void {
    if (this.pausing || this.#over || this.remoteEnded) return;
    this.pausing = true;
    this.#wasPaused = true;
  }

  /** Also the first sign that the body is wanted: its token was accepted, and upstream waits. */
  resumeBody(): void {
    if (this.#expectsContinue) this.#continue();
    if (!this.pausing) return;
    this.pausing = false;
    this.#grant();
  }

  #continue(): void {
    this.#expectsContinue = false;
    if (this.#over || this.started || this.remoteEnded || this.#received > 0) return;
    this.#host.sendBlock(this.id, continueBlock, false);
  }

  takePaused(): boolean {
    const paused = this.pausing || this.#wasPaused;
    this.#wasPaused = false;
    return paused;
  }

  keepBody(): void {
    this.#keeps = !this.remoteEnded;
  }

  releaseBody(): void {
    this.#keeps = false;
    if (this.#ended) this.#finish();
  }

  sendInterim(head: ResponseHead): void {
    // It says nothing that a client which does not read must know, so it is dropped and not kept.
    if (this.#over || this.started || this.#host.isBlocked) return;
    this.#host.sendBlock(this.id, responseBlock(head), false);
  }

  setTrailers(trailers: Trailers): void {
    const block = trailersBlock(trailers);
    // A block without fields would have no frame, and nothing would end the stream.
    if (block.length > 0) this.#trailers = block;
  }

  begin(head: ResponseHead): void {
    this.#response = head;
  }

  send(pieces: readonly Uint8Array[], last: boolean): boolean {
    if (this.#over || this.#ended) return true;
    // What waits goes first; an exchange that keeps to the rules sends nothing then.
    if (this.#backlog !== undefined) return this.#keep(pieces, 0, 0, last, false);
    return this.#sendAll(pieces, 0, last, false);
  }

  reply(reply: Reply): void {
    const events = this.#events;
    if (this.started) this.abort();
    this.#events = undefined;
    if (this.#over) {
      events?.onReplied?.(false);
      return;
    }
    const { head, body } = reply;
    this.#drop();
    this.#response = head;
    // A reply to HEAD announces the length of the body that a GET would have.
    const bodiless = this.head.method === 'HEAD' || head.framing === 'none' || body.length === 0;
    this.#sendAll(bodiless ? nothing : [body], 0, true, true);
    events?.onReplied?.(true);
  }

  switchTo(head: ResponseHead): TunnelSide | undefined {
    const tunnel = this.#tunnel;
    if (tunnel === undefined || this.started || this.#over) return undefined;
    tunnel.isOpen = true;
    this.#events = tunnel;
    this.keepBody();
    this.begin(connectedHead(head));
    this.send([], false);
    return tunnel;
  }

  /** Ends our side of a tunnel behind what was sent, and hears no more of it. */
  leave(): void {
    this.#events = undefined;
    this.send(nothing, true);
  }

  /** The client must not take what it has for the whole (RFC 9113 §8.1). */
  abort(code = codes.INTERNAL_ERROR): void {
    this.#events = undefined;
    this.#end(code);
  }

  review(now: number): boolean {
    if (this.#backlog === undefined || this.#over) {
      this.#stuckAt = -1;
      return true;
    }
    if (this.#stuckAt < 0) this.#stuckAt = now;
    return now - this.#stuckAt < this.#host.sendMs;
  }

  /** Ends the stream if its exchange has ended, so that it reviews no more, and the client takes nothing of the reply. */
  reviewAlone(now: number): void {
    if (this.#events !== undefined) return;
    if (!this.review(now)) this.#end(codes.CANCEL);
    else if (this.#tunnel?.isLate(now) === true) this.releaseBody();
  }

  /** A DATA frame begins, which with its padding has `bytes`. @returns false when the client was not granted as many. */
  count(bytes: number): boolean {
    if (bytes > this.#receiveWindow) return false;
    this.#receiveWindow -= bytes;
    this.#taken += bytes;
    return true;
  }

  /**
   * The next bytes of the body, [from, to) of `bytes`.
   * @returns false when the body is not as long as the head says (RFC 9113 §8.1.1).
   */
  onData(bytes: Buffer, from: number, to: number, last: boolean): boolean {
    const { framing, contentLength } = this.head;
    const tunnel = this.#tunnel;
    this.#received += to - from;
    if (
      framing !== 'chunked' &&
      tunnel === undefined &&
      (this.#received > contentLength || (last && this.#received < contentLength))
    ) {
      return false;
    }
    if (last) this.remoteEnded = true;
    if (tunnel !== undefined) {
      if (!tunnel.take(bytes.subarray(from, to), last)) this.#lose();
    } else if (this.#takes) this.#events?.onRequestBody?.(bytes.subarray(from, to), last);
    if (last) this.#onRemoteEnd();
    else this.#grant();
    return true;
  }

  /** Trailers end the request. A tunnel has none (RFC 9113 §8.5). @returns as `onData`. */
  onTrailers(trailers: Trailers): boolean {
    if (this.#tunnel !== undefined) return false;
    if (this.#takes) this.#events?.onRequestTrailers?.(trailers);
    return this.onData(Buffer.alloc(0), 0, 0, true);
  }

  /** The client takes `bytes` more, or fewer. @returns false when the window would be too large. */
  widen(bytes: number): boolean {
    this.#sendWindow += bytes;
    if (this.#sendWindow > codes.MAX_31_BITS) return false;
    if (bytes > 0) this.pump();
    return true;
  }

  /** Sends on, as far as the client takes it. Called by the connection. */
  pump(): void {
    const backlog = this.#backlog;
    if (this.#over || backlog === undefined) return;
    if (this.needsWindow) {
      this.#host.wait(this);
      return;
    }
    const { pieces, at, last } = backlog;
    if (!this.#sendAll(pieces, at, last, true)) return;
    this.#clearBacklog();
    this.#events?.onDrained();
  }

  /** The client, or the connection, has given the stream up: nothing comes and nothing can be sent. */
  onGone(): void {
    if (this.#over) return;
    this.#over = true;
    const events = this.#events;
    this.#events = undefined;
    this.#drop();
    events?.onAborted();
  }

  /**
   * Sends the head, if it waits, and the pieces from offset `at` of the first. What cannot be sent is kept: `owned`
   * pieces as they are, others as copies, because they are views of a buffer that is about to be reused.
   * @returns whether all was sent.
   */
  #sendAll(pieces: readonly Uint8Array[], at: number, last: boolean, owned: boolean): boolean {
    const host = this.#host;
    const lastPiece = lastFilled(pieces);
    if (host.isBlocked && (this.#response !== undefined || lastPiece >= 0 || last)) {
      return this.#keep(pieces, 0, at, last, owned);
    }
    const response = this.#response;
    if (response?.framing === 'none') this.#trailers = undefined;
    const ends = last && this.#trailers === undefined;
    if (response !== undefined) this.#sendHead(response, ends && lastPiece < 0);
    let from = at;
    for (let index = 0; index <= lastPiece; index += 1, from = 0) {
      const piece = pieces[index] as Uint8Array;
      while (from < piece.length) {
        const to = from + Math.min(piece.length - from, codes.FRAME_BYTES, this.#sendWindow, host.sendWindow);
        if (to <= from || host.isBlocked) return this.#keep(pieces, index, from, last, owned);
        this.#sendWindow -= to - from;
        this.#ended = ends && index === lastPiece && to === piece.length;
        host.sendData(this.id, piece, from, to, this.#ended);
        this.#stuckAt = -1;
        from = to;
      }
    }
    if (!last) return true;
    if (!this.#ended) {
      this.#ended = true;
      if (this.#trailers === undefined) host.sendData(this.id, noBytes, 0, 0, true);
      else host.sendBlock(this.id, this.#trailers, true);
    }
    this.#finish();
    return true;
  }

  #sendHead(head: ResponseHead, ends: boolean): void {
    this.#response = undefined;
    this.started = true;
    this.#ended = ends;
    this.#host.sendHead(this.id, head, ends);
  }

  /** Keeps the pieces from offset `at` of the one at `index`. @returns as `#sendAll`; with no room the stream is over. */
  #keep(pieces: readonly Uint8Array[], index: number, at: number, last: boolean, owned: boolean): boolean {
    this.#backlog ??= new Backlog(this.#host.held);
    if (owned) this.#backlog.put(pieces.slice(index), at, last);
    else if (!this.#backlog.add(pieces.slice(index), at, last)) {
      this.#lose();
      return true;
    }
    this.#host.wait(this);
    return false;
  }

  /** Without room for the rest of a response its client loses it. The exchange hears of that behind the call it made. */
  #lose(): void {
    const events = this.#events;
    this.#events = undefined;
    this.#end(codes.ENHANCE_YOUR_CALM);
    setImmediate(() => events?.onAborted());
  }

  #clearBacklog(): void {
    this.#backlog?.release();
    this.#backlog = undefined;
  }

  /** Grants the client what the exchange has taken, in few and large steps. */
  #grant(): void {
    if (this.pausing || this.#over || this.remoteEnded || this.#events === undefined) return;
    if (this.#taken < STREAM_WINDOW / 2) return;
    this.#receiveWindow += this.#taken;
    this.#host.grant(this.id, this.#taken);
    this.#taken = 0;
  }

  #onRemoteEnd(): void {
    this.#keeps = false;
    this.pausing = false;
    if (this.#ended) this.#finish();
  }

  /** The response is complete. The stream is over once the request is, or nobody wants the rest of it. */
  #finish(): void {
    if (this.#over || this.#keeps) return;
    // The client gets the whole reply to a faulty request, and then the error that it must get (RFC 9113 §8.1.1).
    if (this.head.fault === 'request_malformed') this.#end(codes.PROTOCOL_ERROR);
    else if (this.remoteEnded) this.#end(undefined);
    // In a write of its own: curl 7.88 loses a response that it reads together with the reset of its upload.
    else setImmediate(() => this.#end(codes.NO_ERROR));
  }

  #end(code: number | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.#host.end(this.id, code);
  }

  #drop(): void {
    this.#clearBacklog();
    this.#response = undefined;
    this.#trailers = undefined;
    this.#tunnel?.refuse();
  }
}
