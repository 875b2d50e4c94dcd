import type { ResponseHead } from '../../http/message.ts';
import { systemClock } from '../../lib/clock.ts';
import type { EngineResponse } from './engine.ts';
import type { Reading } from './reading.ts';

/**
 * Longest piece of a body of unknown length handed to the engine at once, in bytes. Corked writes above the
 * engine's 16 KiB cork buffer corrupt the stream when the socket is full.
 */
const PIECE_BYTES = 16_000;

/**
 * Milliseconds in which a client must take something of an answer. The engine's own time-out is 8 to 12 s, but bytes
 * that the client sends meanwhile put it off.
 */
const STUCK_MS = 12_000;
/**
 * Milliseconds between two tries to send while nothing is polled for: short enough for the kernel's send buffer of
 * some MB never to run dry at the pace of a network, and longer and longer while the client takes nothing.
 */
const RETRY_MS = 5;
const RETRY_MOST_MS = 250;

/** What protocol, framing and the engine's own headers add to `ResponseHead.lines`, in bytes, rounded up. */
const HEAD_RESERVE_BYTES = 512;

const nothing: readonly Uint8Array[] = [];
const untaken = [false, false] as const;

/**
 * Sends the pieces of one response at the client's pace. The engine takes pieces of unknown total length up to
 * PIECE_BYTES, one in each cork. The engine cannot poll while reading and sending are both stopped: this class then
 * tries to send again and again. `UwsStream` extends it, because a second object for each request costs.
 */
export abstract class Sending {
  /** The engine closes the connection after the answer, but does not announce it. */
  closesItself = false;
  protected readonly response: EngineResponse;
  /** The answer is complete, or the client is gone: the engine's object is dead. */
  protected over = false;
  /** Something of the answer is on its way. */
  protected begun = false;
  /** The engine's handler has not returned: it has corked the connection, and asking for that again only costs. */
  protected handling = true;
  /** Undefined when the request has no body. */
  protected reading: Reading | undefined;
  /** The client has not taken all that it was sent. */
  #blocked = false;
  /** Monotonic milliseconds at which the client took something last, as far as it was seen; while blocked. */
  #takenAt = -1;
  /** It has taken something since it was blocked last. */
  #moved = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  /** A piece of unknown total length was refused, and it is not known whether the engine has sent it meanwhile. */
  #doubtful = false;
  #total = -1;
  /** Head of a started answer until its first piece takes it along in the same write. */
  #pendingHead: ResponseHead | undefined;
  #closeAfter = false;
  #sent = 0;
  /** Whether the socket took the last piece, and whether that was the end. */
  #taken: readonly [ok: boolean, done: boolean] = untaken;
  #backlog = nothing;
  #lastInBacklog = false;
  /** The last byte of a body whose end is sent later. */
  #tail = nothing;

  constructor(response: EngineResponse) {
    this.response = response;
  }

  /** All that was held back has been taken by the client's socket. */
  protected abstract onDrained(): void;

  /** The client has not taken yet what it was sent. */
  get behind(): boolean {
    return this.#blocked;
  }

  /**
   * Whether the client has taken nothing of the answer for so long that it must end; asked several times a second.
   * @param now monotonic milliseconds.
   */
  stuck(now: number): boolean {
    return this.#blocked && !this.over && now - this.#takenAt >= STUCK_MS;
  }

  /** The client is gone. */
  protected stopSending(): void {
    this.over = true;
    this.#backlog = nothing;
    clearTimeout(this.#retry);
  }

  /** Starts an answer that arrives in pieces; `total` in bytes, -1 when it is not known. */
  startPieces(head: ResponseHead, total: number, close: boolean): void {
    if (this.over) return;
    this.reading?.prepare();
    this.begun = true;
    this.#total = total;
    this.#pendingHead = head;
    this.#closeAfter = close;
    this.response.onWritable(() => this.#onWritable());
  }

  /** Sends a whole answer. With `end` answers would pile up in the engine while a client asks on and never reads. */
  protected sendWhole(head: ResponseHead, body: Uint8Array): boolean {
    this.#pendingHead = head;
    this.#total = body.length;
    const left = this.#sendOfTotal(body);
    if (left === undefined) return true;
    this.#backlog = [copyOf(left)];
    this.#lastInBacklog = true;
    this.#block();
    this.response.onWritable(() => this.#onWritable());
    return false;
  }

  /**
   * Sends pieces of a started answer; `last` completes it. Returns false when the client cannot take them now: a
   * copy of the rest is kept (at most the pieces of one call) and `onDrained` follows; nothing may be sent until then.
   */
  sendPieces(pieces: readonly Uint8Array[], last: boolean): boolean {
    return this.#sendAll(pieces, last, false);
  }

  /** Sends pieces that complete the answer, but for its end, so that the client can still be asked to pause. */
  sendButEnd(pieces: readonly Uint8Array[]): void {
    const filled = pieces.filter(({ length }) => length > 0);
    const last = filled.pop();
    if (this.#total < 0 || last === undefined) {
      this.sendPieces(pieces, false);
      return;
    }
    this.#tail = [copyOf(last.subarray(-1))];
    this.sendPieces([...filled, last.subarray(0, -1)], false);
  }

  /** Sends the end behind `sendButEnd`; returns as `sendPieces` does. */
  finish(): boolean {
    if (!this.#blocked) return this.#sendAll(this.#tail, true, true);
    this.#backlog = [...this.#backlog, ...this.#tail];
    this.#lastInBacklog = true;
    return false;
  }

  /** Nothing is read any more. */
  protected onStopped(): void {
    if (this.#blocked) this.#retryLater();
  }

  /** The client is read again: the poll may have come back without the room to write; a refused try adds it. */
  protected onRead(): void {
    if (!this.#blocked) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), 0);
  }

  /**
   * The engine calls this when the socket takes bytes again, which may be unasked, and flushes nothing by itself.
   * Returns whether everything was taken.
   */
  #onWritable(): boolean {
    if (this.over) return true;
    if (!this.#blocked) {
      this.response.cork(() => {});
      // The engine has stopped its time-out.
      this.reading?.postpone();
      return true;
    }
    this.#doubtful = false;
    this.#moved = true;
    return this.#sendBacklog();
  }

  /** `owned` pieces may be kept as they are; others are views of a buffer that is about to be reused. */
  #sendAll(pieces: readonly Uint8Array[], last: boolean, owned: boolean): boolean {
    if (this.over) return true;
    // Behind its last byte the engine takes the connection for free, and could not be told to read on.
    if (last && this.reading?.pausing === true) this.reading.go();
    for (let at = 0; at < pieces.length; at += 1) {
      const left = this.#sendPiece(pieces[at] as Uint8Array);
      if (left === undefined) continue;
      const rest = left.length > 0 ? [left, ...pieces.slice(at + 1)] : pieces.slice(at + 1);
      this.#backlog = owned ? rest : rest.map(copyOf);
      this.#lastInBacklog = last;
      this.#block();
      return false;
    }
    if (last) this.#complete();
    return true;
  }

  /** What the socket did not take now, undefined when it took all; an empty rest still means: wait. */
  #sendPiece(piece: Uint8Array): Uint8Array | undefined {
    if (this.#total >= 0) return this.#sendOfTotal(piece);
    for (let at = 0; at < piece.length; ) {
      const slice = piece.subarray(at, at + (this.#doubtful ? 1 : PIECE_BYTES));
      at += slice.length;
      const head = this.#pendingHead;
      // Head and piece together must not pass the engine's cork buffer either.
      if (head !== undefined && head.lines.length + HEAD_RESERVE_BYTES + slice.length > PIECE_BYTES) {
        this.response.cork(() => this.#flushHead());
      }
      let taken = false;
      this.response.cork(() => {
        this.#flushHead();
        taken = this.response.write(slice);
      });
      // A refused slice is buffered by the engine all the same; only what follows it is ours to keep.
      if (!taken) return piece.subarray(at);
      this.#doubtful = false;
      this.#moved = true;
    }
    return undefined;
  }

  #sendOfTotal(piece: Uint8Array): Uint8Array | undefined {
    if (this.handling) this.#writeOfTotal(piece);
    else this.response.cork(() => this.#writeOfTotal(piece));
    if (this.#taken[1]) {
      this.over = true;
      return undefined;
    }
    if (this.#taken[0]) {
      this.#sent += piece.length;
      this.#moved = true;
      return undefined;
    }
    const taken = this.response.getWriteOffset() - this.#sent;
    this.#sent += taken;
    if (taken > 0) this.#moved = true;
    return piece.subarray(taken);
  }

  #writeOfTotal(piece: Uint8Array): void {
    this.#flushHead();
    if (this.#sent + piece.length === this.#total) this.#stopReading();
    this.#taken = this.response.tryEnd(piece, this.#total);
  }

  #flushHead(): void {
    const head = this.#pendingHead;
    if (head === undefined) return;
    this.#pendingHead = undefined;
    writeHead(this.response, head);
    // By hand: the engine announces a close only with a whole answer.
    if (this.#closeAfter) this.response.writeHeader('connection', 'close');
  }

  #complete(): void {
    if (this.over) return;
    this.over = true;
    this.response.cork(() => {
      this.#flushHead();
      this.#stopReading();
      this.response.end();
    });
  }

  /**
   * The engine cannot close after an answer in pieces, so it is kept from reading what comes behind the request; the
   * client, who was told to, or the engine's idle time-out closes. When the socket is full, the engine starts to
   * read again, so this is called anew before each attempt to send the last bytes.
   */
  #stopReading(): void {
    if (this.#closeAfter && !this.closesItself) this.response.pause();
  }

  #block(): void {
    this.#blocked = true;
    this.reading?.yieldTimeout();
    if (this.#moved || this.#takenAt < 0) {
      this.#takenAt = systemClock.monotonic();
      this.#retryMs = RETRY_MS;
    }
    this.#moved = false;
    if (this.reading?.pausing !== true) return;
    this.reading.stopAgain();
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => this.#tryAgain(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MOST_MS);
  }

  /** Nothing may be polled for, so whether the client takes bytes again is seen from a try. */
  #tryAgain(): void {
    this.#retry = undefined;
    if (this.over || !this.#blocked) return;
    this.reading?.open();
    this.#doubtful = this.#total < 0;
    this.#sendBacklog();
    if (this.reading?.pausing === true && !this.#blocked && !this.over) this.reading.stopAgain();
  }

  #sendBacklog(): boolean {
    const pieces = this.#backlog;
    this.#backlog = nothing;
    this.#blocked = false;
    if (pieces.length === 0 && !this.#lastInBacklog) {
      // The engine still buffers the slice it refused; leaving a cork is what flushes that.
      this.response.cork(() => {});
    } else if (!this.#sendAll(pieces, this.#lastInBacklog, true)) {
      return false;
    }
    this.reading?.resumeTimeout();
    this.onDrained();
    return true;
  }
}

/** Puts status and headers into the cork. */
export function writeHead(response: EngineResponse, { lines, eightBit }: ResponseHead): void {
  // One native call carries status and headers: `lines` were put together from what the response parser accepted or
  // we wrote, so the only CR and LF in them are the separators between them.
  response.writeStatus(eightBit ? Buffer.from(lines, 'latin1') : lines);
}

/** Not `slice`: that of a Buffer is a view, and another connection's answer would be read into it. */
function copyOf(piece: Uint8Array): Uint8Array {
  return new Uint8Array(piece);
}
