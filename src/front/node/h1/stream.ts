import { isEventStream } from '../../../http/event-stream.ts';
import type { Reply, ResponseHead, Trailers } from '../../../http/message.ts';
import type { TunnelSide } from '../../../http/tunnel-side.ts';
import type { Reason } from '../../../reasons.ts';
import type { ClientEvents, ClientStream, TlsFacts } from '../../front.ts';
import type { ClientSocket } from '../client-socket.ts';
import { RequestBodyReader } from './request-body.ts';
import type { H1RequestHead } from './request-head.ts';
import { responseText } from './response-text.ts';

/** Bytes of the trailer section of a request. */
const TRAILER_BYTES = 16 * 1024;

/**
 * Bytes of an unwanted request body that are read so that the client may use its connection again. With more to come a
 * new connection is cheaper, and this one closes when the client has its response.
 */
const DRAIN_BYTES = 16 * 1024 * 1024;

/** Milliseconds in which those bytes must have come: a client that has its response must not hold a connection for longer. */
const DRAIN_MS = 30_000;

const nothing: readonly Uint8Array[] = [];
const noBytes = new Uint8Array();

/** The connection of a stream. */
export interface StreamOwner {
  readonly socket: ClientSocket;
  /** The connection ends with this response. */
  readonly isLast: boolean;
  /** Milliseconds in which a client must take something of a response. */
  readonly sendMs: number;
  /** The client is kept from sending, or not any more. */
  onPaused(): void;
  /** The whole response has left. @param close the connection ends with it. */
  onResponded(stream: H1Stream, close: boolean): void;
  /** The request body has come whole, or is not wanted any more. */
  onBodyOver(stream: H1Stream): void;
  /** The connection carries no HTTP any more. */
  giveAway(): TunnelSide;
}

/** One request and its response on an HTTP/1.x connection. */
export class H1Stream implements ClientStream {
  readonly head: H1RequestHead;
  readonly #owner: StreamOwner;
  readonly #socket: ClientSocket;
  started = false;
  behind = false;
  pausing = false;
  /** The request body has not come whole. */
  receiving: boolean;
  /** The request body is wanted behind the response. */
  kept = false;
  #events: ClientEvents | undefined;
  #takesBody = false;
  /** The exchange ends a body that comes too slowly. */
  #paced = true;
  /** Bytes of the body up to the last review, and monotonic milliseconds since when no more have come; -1 before. */
  #receivedThen = 0;
  #stillSince = -1;
  #wasPaused = false;
  /** Bytes that are left of a body with a length. */
  #left: number;
  #reader: RequestBodyReader | undefined;
  /** Bytes of the body that came behind its use. */
  #drained = 0;
  /** Bytes of the body, with their framing, that have come. */
  #received = 0;
  /** The client waits for 100 (Continue). */
  #awaitsContinue: boolean;
  /** Lines to follow the body. */
  #trailers = '';
  /** The response waits for the first bytes of its body. */
  #response: ResponseHead | undefined;
  #chunked = false;
  /** The head of a response that goes on until upstream ends it. */
  #openHead: ResponseHead | undefined;
  /** The connection ends with the response. */
  closes = false;
  /** All of the response has been written; the rest waits for the client. */
  #finishing = false;
  /** Nothing more may be sent. */
  #over = false;
  /** Bytes that waited at the last review, and monotonic milliseconds since when as many wait. */
  #unsent = 0;
  #stuckSince = -1;
  /** Monotonic milliseconds of the first review that found an unwanted body behind the response; -1 before. */
  #drainingSince = -1;

  constructor(head: H1RequestHead, owner: StreamOwner) {
    this.head = head;
    this.#owner = owner;
    this.#socket = owner.socket;
    this.#left = head.contentLength;
    this.#awaitsContinue = head.expectsContinue;
    this.receiving = head.framing !== 'none' && head.fault === undefined;
  }

  get protocol(): 'http/1.0' | 'http/1.1' {
    return this.head.minor === 0 ? 'http/1.0' : 'http/1.1';
  }

  get tls(): TlsFacts | undefined {
    return this.#socket.tls;
  }

  get redirects(): boolean {
    return this.#socket.redirects === true;
  }

  get scheme(): 'http' | 'https' {
    return this.#socket.scheme;
  }

  /** The response is an event stream, which may be silent for long. */
  get isEventStream(): boolean {
    return this.#openHead !== undefined && isEventStream(this.#openHead);
  }

  listen(events: ClientEvents): void {
    this.#events = events;
  }

  peer(): string | undefined {
    return this.#socket.peer;
  }

  takeBody(paced: boolean): void {
    this.#takesBody = true;
    this.#paced = paced;
  }

  pauseBody(): void {
    if (this.pausing || !this.receiving) return;
    this.pausing = true;
    this.#wasPaused = true;
    this.#owner.onPaused();
  }

  resumeBody(): void {
    if (this.#awaitsContinue) this.#continue();
    this.#readOn();
  }

  #readOn(): void {
    if (!this.pausing) return;
    this.pausing = false;
    this.#owner.onPaused();
  }

  /** A client that has begun to send needs no 100. */
  #continue(): void {
    this.#awaitsContinue = false;
    if (this.#over || this.started || this.#received > 0 || !this.receiving) return;
    this.#socket.writeLatin1('HTTP/1.1 100 Continue\r\n\r\n');
  }

  takePaused(): boolean {
    const paused = this.pausing || this.#wasPaused;
    this.#wasPaused = false;
    return paused;
  }

  keepBody(): void {
    this.kept = this.receiving;
  }

  releaseBody(): void {
    if (!this.kept) return;
    this.kept = false;
    if (this.#over) this.#events = undefined;
    this.#dropBody();
    // The rest is read to its end, so that another request can follow, unless the connection ends anyway.
    if (this.#over && (this.closes || !this.receiving)) this.#owner.onBodyOver(this);
  }

  /** Takes bytes of the request body from [from, to). Returns the offset behind the last byte used. */
  takeBytes(bytes: Buffer, from: number, to: number): number {
    if (this.head.framing === 'length') {
      const end = Math.min(to, from + this.#left);
      this.#left -= end - from;
      this.#received += end - from;
      this.#deliver(bytes.subarray(from, end), this.#left === 0);
      return end;
    }
    if (this.#reader === undefined) {
      this.#reader = new RequestBodyReader();
      this.#reader.start(this.head, TRAILER_BYTES);
    }
    const reader = this.#reader;
    const at = reader.read(bytes, from, to);
    this.#received += at - from;
    if (reader.step === 'data') this.#deliver(bytes.subarray(reader.dataStart, reader.dataEnd), false);
    else if (reader.step === 'end') {
      if (reader.trailers !== undefined && this.#takesBody)
        this.#events?.onRequestTrailers?.(reader.trailers);
      this.#deliver(noBytes, true);
    } else if (reader.step === 'fault') this.#onBodyFault(reader.fault ?? 'request_malformed');
    return at;
  }

  sendInterim(head: ResponseHead): void {
    // HTTP/1.0 knows no interim response (RFC 9110 §15.2).
    if (this.started || this.#over || this.head.minor === 0) return;
    this.#socket.writeLatin1(`HTTP/1.1 ${head.lines}\r\n\r\n`);
  }

  setTrailers({ names, values }: Trailers): void {
    for (let at = 0; at < names.length; at += 1) this.#trailers += `${names[at]}: ${values[at]}\r\n`;
  }

  begin(head: ResponseHead): void {
    this.#response = head;
  }

  send(pieces: readonly Uint8Array[], last: boolean): boolean {
    if (this.#over) return true;
    let text = '';
    const head = this.#response;
    if (head !== undefined) {
      this.#response = undefined;
      text = this.#begin(head, pieces, last);
    }
    const taken = this.#chunked ? this.#sendChunks(text, pieces, last) : this.#write(text, pieces, '');
    if (last) {
      this.#finishing = true;
      if (taken) this.#finish();
    }
    return taken;
  }

  /** HTTP/1.0 has no upgrade (RFC 9110 §7.8), and a body would come before the bytes of the other protocol. */
  switchTo(head: ResponseHead, upgrade: string): TunnelSide | undefined {
    if (this.started || this.#over || this.receiving || this.head.minor === 0) return undefined;
    this.started = true;
    this.#over = true;
    this.#events = undefined;
    const lines = `${head.lines}\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}`;
    this.#socket.writeLatin1(`HTTP/1.1 ${lines}\r\n\r\n`);
    return this.#owner.giveAway();
  }

  reply(reply: Reply): void {
    const events = this.#events;
    if (this.#over || this.started) {
      this.abort();
      events?.onReplied(false);
      return;
    }
    const { head, body } = reply;
    const isBare = this.head.method === 'HEAD' || head.framing === 'none';
    this.closes = reply.close || this.#mustClose() || this.#left > DRAIN_BYTES;
    this.started = true;
    this.#response = undefined;
    this.#finishing = true;
    this.#events = undefined;
    this.#dropBody();
    const length = isBare ? head.contentLength : body.length;
    const text = responseText(head, { length, chunked: false, connection: this.#connection() });
    const taken = this.#write(text, isBare ? nothing : [body], '');
    if (taken) this.#finish();
    events?.onReplied(true);
  }

  abort(): void {
    if (this.#over && !this.kept) return;
    this.#over = true;
    this.#events = undefined;
    this.#socket.destroy();
  }

  review(now: number): boolean {
    return !this.#isStuck(now) && !this.#standsStill(now);
  }

  /**
   * Reviews a stream whose exchange has ended, and so reviews no more. Called about once a second.
   * @returns false when the client takes nothing of its response, or does not end its request in time.
   */
  reviewAlone(now: number): boolean {
    if (this.#events !== undefined) return true;
    if (this.#isStuck(now)) return false;
    if (!this.#over || !this.receiving) return true;
    if (this.#drainingSince < 0) this.#drainingSince = now;
    return now - this.#drainingSince < DRAIN_MS;
  }

  /** The client takes nothing of its response. */
  #isStuck(now: number): boolean {
    if (!this.behind) return false;
    const { unsent } = this.#socket;
    if (this.#stuckSince < 0 || unsent !== this.#unsent) this.#stuckSince = now;
    this.#unsent = unsent;
    return now - this.#stuckSince >= this.#owner.sendMs;
  }

  /** The client owes bytes of a body that has no rate to keep. */
  #standsStill(now: number): boolean {
    if (this.#paced || !this.receiving || this.pausing) {
      this.#stillSince = -1;
      return false;
    }
    if (this.#stillSince < 0 || this.#received !== this.#receivedThen) this.#stillSince = now;
    this.#receivedThen = this.#received;
    return now - this.#stillSince >= this.#owner.sendMs;
  }

  /** The system has taken what the last write left. */
  onDrained(): void {
    if (!this.behind) return;
    this.behind = false;
    this.#stuckSince = -1;
    const events = this.#events;
    if (this.#finishing) this.#finish();
    events?.onDrained();
  }

  /** The client has left. */
  onGone(): void {
    const events = this.#events;
    const isDone = this.#over && !this.kept;
    this.#over = true;
    this.#events = undefined;
    if (!isDone) events?.onAborted();
  }

  #deliver(chunk: Uint8Array, last: boolean): void {
    if (last) this.receiving = false;
    const events = this.#takesBody ? this.#events : undefined;
    if (events === undefined) this.#drained += chunk.length;
    else events.onRequestBody(chunk, last);
    if (!this.#over) return;
    if (last || (!this.kept && this.#drained > DRAIN_BYTES)) this.#owner.onBodyOver(this);
  }

  #onBodyFault(reason: Reason): void {
    this.receiving = false;
    this.closes = true;
    const events = this.#events;
    events?.onBodyFault(reason);
    if (events === undefined || this.#over) this.#owner.onBodyOver(this);
  }

  /** Reads on in a body that nothing wants, so that the next request can follow. */
  #dropBody(): void {
    this.#takesBody = false;
    this.#readOn();
  }

  #begin(head: ResponseHead, pieces: readonly Uint8Array[], last: boolean): string {
    this.started = true;
    const { framing } = head;
    let length = framing === 'close' || framing === 'chunked' ? -1 : head.contentLength;
    // The whole body is here, so its length can be told.
    if (length < 0 && framing !== 'none' && last && pieces.length <= 1 && this.#trailers === '')
      length = pieces[0]?.length ?? 0;
    const isOpen = length < 0 && framing !== 'none';
    this.#chunked = isOpen && this.head.minor === 1;
    if (isOpen) this.#openHead = head;
    this.closes = this.#mustClose() || (isOpen && !this.#chunked);
    return responseText(head, { length, chunked: this.#chunked, connection: this.#connection() });
  }

  #mustClose(): boolean {
    if (this.head.close || this.closes || this.#owner.isLast) return true;
    // Whether a client that was not told to go on sends its body cannot be known (RFC 9110 §10.1.1).
    return this.#awaitsContinue && this.receiving && this.#received === 0;
  }

  #connection(): '' | 'close' | 'keep-alive' {
    if (this.closes) return 'close';
    return this.head.minor === 0 ? 'keep-alive' : '';
  }

  #sendChunks(text: string, pieces: readonly Uint8Array[], last: boolean): boolean {
    let size = 0;
    for (const piece of pieces) size += piece.length;
    const end = last ? `0\r\n${this.#trailers}\r\n` : '';
    if (size === 0) return this.#write(text + end, nothing, '');
    return this.#write(`${text}${size.toString(16)}\r\n`, pieces, `\r\n${end}`);
  }

  #write(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    const taken = this.#socket.writeMessage(text, pieces, behind);
    if (!taken) this.behind = true;
    return taken;
  }

  #finish(): void {
    this.#over = true;
    if (!this.kept) {
      this.#events = undefined;
      this.#dropBody();
    }
    this.#owner.onResponded(this, this.closes);
  }
}
