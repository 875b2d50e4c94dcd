import { Buffer } from 'node:buffer';
import { CR } from '../http/ascii.ts';
import type { Turn } from '../lib/turn.ts';
import type { Budget } from '../limits/budget.ts';
import type { BodyCopies } from './body-copies.ts';
import { BodyQueue } from './body-queue.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/**
 * Bytes of a request body that are held before the client is asked to pause. Most bodies are smaller and never cost the
 * two system calls of a pause.
 */
const PAUSE_ABOVE_BYTES = 64 * 1024;

/**
 * Bytes of the smallest piece that is written to the kernel at once. Only an upload that brings so much in one read can
 * fill the socket within a turn; its client is asked to pause as soon as the socket is full.
 */
const LARGE_BYTES = 64 * 1024;

/**
 * Bytes of a piece that is not worth a write of its own while earlier bytes wait in the socket: the socket keeps an object
 * and memory for each write. What comes of a body in one turn is then written together.
 */
const SMALL_BYTES = 4 * 1024;

/** The resources that all uploads of a process share. */
export interface UploadResources {
  /** Bytes of request bodies that all exchanges together may hold back. */
  readonly budget: Budget;
  /** Before each call ends, an upload has used its memory or keeps it. */
  readonly copies: BodyCopies;
  readonly turn: Turn;
}

export interface UploadOwner {
  /** All bytes so far are on their way, although some were held in this turn. */
  onUploadFlowing(): void;
}

/**
 * One request body on its way upstream. The gateway frames it again, never as the client framed it. Bytes that upstream
 * cannot take yet are held, within a budget that all bodies share.
 */
export class Upload {
  /** The body has no length in the head of the request. */
  readonly #chunked: boolean;
  /** Bytes are held, and leave, as chunks. */
  #framed: boolean;
  readonly #resources: UploadResources;
  readonly #owner: UploadOwner;
  #stream: UpstreamStream | undefined;
  #free = false;
  #last = false;
  #ended = false;
  /** Bytes that are held back. */
  readonly #queue = new BodyQueue();
  #inSocket = 0;
  /** At least one piece had LARGE_BYTES. */
  #large = false;
  /**
   * The kernel was full in this turn, and takes more when upstream reads; or earlier bytes wait in the stream. The stream
   * gets the bytes that are held when the turn is over.
   */
  #retrying = false;
  /** Lines to follow a chunked body. */
  #trailers = '';
  /** `#endTurn` runs when the turn is over. */
  #endsTurn = false;

  constructor(chunked: boolean, resources: UploadResources, owner: UploadOwner) {
    this.#chunked = chunked;
    this.#framed = chunked;
    this.#resources = resources;
    this.#owner = owner;
  }

  /** The client should send nothing more for now. */
  get full(): boolean {
    const { bytes } = this.#queue;
    return bytes > PAUSE_ABOVE_BYTES || (this.#large && bytes > 0);
  }

  /** Bytes held back now. */
  get held(): number {
    return this.#queue.bytes;
  }

  /** Bytes of memory that the socket keeps until upstream takes their content. */
  get inSocket(): number {
    return this.#inSocket;
  }

  /** The client has sent the whole body. */
  get whole(): boolean {
    return this.#last;
  }

  /** A stream takes the body. */
  get attached(): boolean {
    return this.#stream !== undefined;
  }

  /** All bytes so far are on their way. */
  get flowing(): boolean {
    return this.#free && this.#queue.bytes === 0;
  }

  /** Sets lines to follow the body, each with its CRLF; dropped where the body has a length. Called before the last `push`. */
  setTrailers(lines: string): void {
    this.#trailers = lines;
  }

  /** Takes a view of the next bytes. Returns false when the budget is used up. */
  push(chunk: Uint8Array, last: boolean): boolean {
    this.#last = last;
    if (this.#retrying) this.#retry();
    if (chunk.length > 0 && !(this.flowing ? this.#pass(chunk) : this.#hold(chunk))) return false;
    this.#endIfDone();
    return true;
  }

  attach(stream: UpstreamStream): void {
    this.#stream = stream;
    this.#framed = this.#chunked && stream.framesBody;
    if (this.#chunked && !this.#framed) this.#unframe();
    this.resume();
  }

  /** The stream has failed before it got a byte: what comes of the body waits for another one. */
  detach(): void {
    this.#stream = undefined;
    this.#free = false;
    this.#framed = this.#chunked;
    // An empty body has ended without a byte.
    this.#ended = false;
  }

  /** The stream takes bytes (again). */
  resume(): void {
    this.#free = true;
    this.#retrying = false;
    this.#resources.budget.giveBack(this.#inSocket);
    this.#inSocket = 0;
    const queue = this.#queue;
    for (let bytes = queue.first; this.#free && bytes !== undefined; bytes = queue.first) {
      queue.take(bytes.length);
      this.#free = this.#stream?.upload(bytes) ?? false;
      if (this.#free) this.#resources.budget.giveBack(bytes.length);
      else this.#inSocket += bytes.length;
    }
    this.#endIfDone();
  }

  /** The exchange is over: forgets the bytes that are held. */
  drop(): void {
    this.#resources.budget.giveBack(this.#queue.bytes + this.#inSocket);
    this.#inSocket = 0;
    this.#queue.clear();
    this.#free = false;
    this.#retrying = false;
    this.#ended = true;
  }

  /** Returns false when the socket keeps the bytes and the budget has no room for them. */
  #pass(chunk: Uint8Array): boolean {
    if (!this.#framed && chunk.length >= LARGE_BYTES) return this.#passNow(chunk);
    const size = this.#framedSize(chunk);
    if (size < SMALL_BYTES && this.#stream?.keepsUpload === true) {
      if (!this.#hold(chunk)) return false;
      this.#awaitTurn();
      return true;
    }
    const { copies, budget } = this.#resources;
    const bytes = this.#frame(chunk, copies.room(size));
    if (bytes.length >= LARGE_BYTES) return this.#passNow(bytes);
    this.#free = this.#stream?.upload(bytes) ?? false;
    if (this.#stream?.keepsUpload === false) return true;
    const kept = copies.keep(bytes);
    // Below its high-water mark, the socket's memory is bounded without the budget.
    if (this.#free) return true;
    if (!budget.take(kept)) return false;
    this.#inSocket += kept;
    return true;
  }

  /** Writes bytes to the kernel, in chunks if they must be. Returns false when the kernel leaves some and the budget has no room for them. */
  #passNow(bytes: Uint8Array): boolean {
    this.#large = true;
    const taken = this.#stream?.uploadNow(bytes) ?? 0;
    if (taken === bytes.length) return true;
    const left = bytes.length - taken;
    if (!this.#resources.budget.take(left)) return false;
    this.#queue.add(left).set(bytes.subarray(taken));
    this.#awaitTurn();
    return true;
  }

  /** Holds what comes in this turn. */
  #awaitTurn(): void {
    this.#free = false;
    this.#retrying = true;
    if (this.#endsTurn) return;
    this.#endsTurn = true;
    this.#resources.turn.atEnd(this.#endTurn);
  }

  /** Upstream may have read since the kernel was full. */
  #retry(): void {
    const queue = this.#queue;
    for (let bytes = queue.first; bytes !== undefined; bytes = queue.first) {
      const taken = this.#stream?.uploadNow(bytes) ?? 0;
      const { length } = bytes;
      this.#resources.budget.giveBack(taken);
      if (taken > 0) queue.take(taken);
      if (taken < length) return;
    }
    this.#retrying = false;
    this.#free = true;
  }

  /** The turn is over: the stream gets the held bytes, and reports when it takes more. */
  readonly #endTurn = (): void => {
    this.#endsTurn = false;
    if (this.#retrying) this.resume();
    // No bytes wait in the stream, so the stream will not report.
    if (this.flowing) this.#owner.onUploadFlowing();
  };

  /** Returns false when the budget has no room. */
  #hold(chunk: Uint8Array): boolean {
    const size = this.#framedSize(chunk);
    if (!this.#resources.budget.take(size)) return false;
    this.#frame(chunk, this.#queue.add(size));
    return true;
  }

  #framedSize({ length }: Uint8Array): number {
    return this.#framed ? length.toString(16).length + 2 + length + 2 : length;
  }

  /** Copies into `room`: the front's view is valid only during the call. */
  #frame(chunk: Uint8Array, room: Buffer): Buffer {
    if (!this.#framed) {
      room.set(chunk);
      return room;
    }
    const start = room.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    room.set(chunk, start);
    room.write('\r\n', start + chunk.length, 'latin1');
    return room;
  }

  /** Takes the held bytes out of their chunks, for a stream that frames them by itself. */
  #unframe(): void {
    const queue = this.#queue;
    const { bytes } = queue;
    const pieces: Uint8Array[] = [];
    for (let piece = queue.first; piece !== undefined; piece = queue.first) {
      pieces.push(piece);
      queue.take(piece.length);
    }
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        const line = piece.indexOf(CR, at);
        const size = Number.parseInt(Buffer.from(piece.subarray(at, line)).toString('latin1'), 16);
        const start = line + 2;
        queue.add(size).set(piece.subarray(start, start + size));
        at = start + size + 2;
      }
    }
    this.#resources.budget.giveBack(bytes - queue.bytes);
  }

  #endIfDone(): void {
    if (!this.#last || this.#ended || this.#queue.bytes > 0 || this.#stream === undefined) return;
    this.#ended = true;
    if (this.#framed) this.#stream.upload(bytesOf(`0\r\n${this.#trailers}\r\n`));
    this.#stream.endUpload(this.#trailers);
  }
}

/** Each character is a byte; a text of the stream would become UTF-8. */
function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
