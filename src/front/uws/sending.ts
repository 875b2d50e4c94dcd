import type { ResponseHead } from '../../http/message.ts';
import { systemClock } from '../../lib/clock.ts';
import type { EngineResponse } from './engine.ts';
import type { Reading } from './reading.ts';

/**
 * Bytes of the longest piece that the engine gets at once, of a body of unknown length. Corked writes above the engine's
 * 16 KiB cork buffer corrupt the stream when the socket is full.
 */
const PIECE_BYTES = 16_000;

/**
 * Milliseconds within which a client must take a byte of the response. The engine's own time-out is 8 to 12 s, but bytes
 * from the client postpone it.
 */
const STUCK_MS = 12_000;
/**
 * Milliseconds between two tries to send while the engine does not poll the socket. Short enough that a network does not
 * empty the kernel's send buffer of some MB meanwhile. Doubles up to RETRY_MOST_MS while the client takes nothing.
 */
const RETRY_MS = 5;
const RETRY_MOST_MS = 250;

/** Bytes that protocol, framing and the engine's own headers add to `ResponseHead.lines`, rounded up. */
const HEAD_RESERVE_BYTES = 512;

const nothing: readonly Uint8Array[] = [];
const untaken = [false, false] as const;

/**
 * Sends the pieces of one response at the client's pace. If the total length is unknown, the engine gets pieces of at
 * most PIECE_BYTES, one in each cork. The engine does not poll the socket while reading and sending are both stopped, so
 * this class then retries by a timer. `UwsStream` extends this class, because a second object for each request costs.
 */
export abstract class Sending {
  /** The engine closes the connection after the response, but does not announce the close. */
  closesItself = false;
  protected readonly response: EngineResponse;
  /** The response is complete, or the client has left: the engine's object is dead. */
  protected over = false;
  /** A byte of the response is on its way. */
  protected begun = false;
  /** The engine's handler has not returned: the connection is corked, so another cork would only cost. */
  protected handling = true;
  /** Undefined when the request has no body. */
  protected reading: Reading | undefined;
  /** The client has not taken all bytes that it was sent. */
  #blocked = false;
  /** While blocked: monotonic milliseconds at which the client was last seen to take a byte. */
  #takenAt = -1;
  /** The client has taken a byte since it was blocked last. */
  #moved = false;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  /** A piece of unknown total length was refused, and the engine may or may not have sent it meanwhile. */
  #doubtful = false;
  #total = -1;
  /** The head of a started response, until the same write sends it with the first piece. */
  #pendingHead: ResponseHead | undefined;
  #closeAfter = false;
  #sent = 0;
  /** Result of the last `tryEnd`: the socket took the piece, and the response is complete. */
  #taken: readonly [ok: boolean, done: boolean] = untaken;
  #backlog = nothing;
  #lastInBacklog = false;
  /** The last byte of a body, if `finish` sends it later. */
  #lastByte = nothing;

  constructor(response: EngineResponse) {
    this.response = response;
  }

  /** The client's socket has taken all bytes that were held back. */
  protected abstract onDrained(): void;

  /** The client has not taken all bytes that it was sent. */
  get behind(): boolean {
    return this.#blocked;
  }

  /**
   * Whether the response must end because the client takes no bytes. Called several times a second.
   * @param now monotonic milliseconds.
   */
  stuck(now: number): boolean {
    return this.#blocked && !this.over && now - this.#takenAt >= STUCK_MS;
  }

  /** The client has left. */
  protected stopSending(): void {
    this.over = true;
    this.#backlog = nothing;
    clearTimeout(this.#retry);
  }

  /** Starts a response that is sent in pieces. @param total bytes of its body, -1 when unknown. */
  startPieces(head: ResponseHead, total: number, close: boolean): void {
    if (this.over) return;
    this.reading?.prepare();
    this.begun = true;
    this.#total = total;
    this.#pendingHead = head;
    this.#closeAfter = close;
    this.response.onWritable(() => this.#onWritable());
  }

  /** Sends a whole response. Not by `end`: responses would pile up in the engine if a client sends requests and never reads. */
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
   * Sends pieces of a started response; `last` completes it. Returns false when the client cannot take all of them now:
   * a copy of the rest is kept (at most the pieces of one call) and `onDrained` follows. Until then no more may be sent.
   */
  sendPieces(pieces: readonly Uint8Array[], last: boolean): boolean {
    return this.#sendAll(pieces, last, false);
  }

  /** Sends the last pieces of a response without its end, so that the client can still be paused. */
  sendButEnd(pieces: readonly Uint8Array[]): void {
    const filled = pieces.filter(({ length }) => length > 0);
    const last = filled.pop();
    if (this.#total < 0 || last === undefined) {
      this.sendPieces(pieces, false);
      return;
    }
    this.#lastByte = [copyOf(last.subarray(-1))];
    this.sendPieces([...filled, last.subarray(0, -1)], false);
  }

  /** Sends the end after `sendButEnd`. Returns as `sendPieces` does. */
  finish(): boolean {
    if (!this.#blocked) return this.#sendAll(this.#lastByte, true, true);
    this.#backlog = [...this.#backlog, ...this.#lastByte];
    this.#lastInBacklog = true;
    return false;
  }

  /** Reading has stopped. */
  protected onStopped(): void {
    if (this.#blocked) this.#retryLater();
  }

  /** Reading has started again. The engine may poll only for bytes to read; a refused write adds room to write. */
  protected onRead(): void {
    if (!this.#blocked) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), 0);
  }

  /**
   * The engine calls this when the socket takes bytes again, sometimes without need, and flushes nothing by itself.
   * Returns whether the socket took all bytes.
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

  /** @param owned the pieces may be kept; otherwise they are views of a buffer that will be reused. */
  #sendAll(pieces: readonly Uint8Array[], last: boolean, owned: boolean): boolean {
    if (this.over) return true;
    // After the last byte the engine takes the connection for idle, and could not be resumed.
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

  /** Returns the rest that the socket did not take, undefined when it took all. After an empty rest the caller must wait. */
  #sendPiece(piece: Uint8Array): Uint8Array | undefined {
    if (this.#total >= 0) return this.#sendOfTotal(piece);
    for (let at = 0; at < piece.length; ) {
      const slice = piece.subarray(at, at + (this.#doubtful ? 1 : PIECE_BYTES));
      at += slice.length;
      const head = this.#pendingHead;
      // Head and piece together must not exceed the engine's cork buffer either.
      if (head !== undefined && head.lines.length + HEAD_RESERVE_BYTES + slice.length > PIECE_BYTES) {
        this.response.cork(() => this.#flushHead());
      }
      let taken = false;
      this.response.cork(() => {
        this.#flushHead();
        taken = this.response.write(slice);
      });
      // The engine buffers a slice even when it refuses it, so the rest begins after the slice.
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
    // By hand: the engine announces a close only for a whole response.
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
   * The engine cannot close after a response in pieces. So it must not read what follows the request: the client closes
   * as it was told, or the engine's idle time-out does. A full socket makes the engine read again, so this is called
   * before each try to send the last bytes.
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

  /** The engine may not poll the socket, so only a try shows whether the client takes bytes again. */
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
      // The engine still buffers the slice that it refused; the end of a cork flushes it.
      this.response.cork(() => {});
    } else if (!this.#sendAll(pieces, this.#lastInBacklog, true)) {
      return false;
    }
    this.reading?.resumeTimeout();
    this.onDrained();
    return true;
  }
}

/** Writes status and headers into the cork. */
export function writeHead(response: EngineResponse, { lines, eightBit }: ResponseHead): void {
  // One native call writes status and headers. `lines` come from the response parser or from the gateway, so every CR
  // and LF in them separates two lines.
  response.writeStatus(eightBit ? Buffer.from(lines, 'latin1') : lines);
}

/** Copies a piece. Not by `slice`: a Buffer's `slice` is a view, and another connection's response would be read into it. */
function copyOf(piece: Uint8Array): Uint8Array {
  return new Uint8Array(piece);
}
