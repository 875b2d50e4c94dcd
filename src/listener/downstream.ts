import { systemClock } from '../lib/clock.ts';
import type { EngineResponse } from './engine.ts';
import { closeAndChunk, Linger } from './linger.ts';
import type { PeerNames } from './peers.ts';

/**
 * Longest piece of a body of unknown length handed to the engine at once, in bytes. Corked writes above the
 * engine's 16 KiB cork buffer corrupt the stream when the socket is full.
 */
const PIECE_BYTES = 16_000;

/** What protocol, framing and the engine's own headers add to `AnswerHead.lines`, in bytes, rounded up. */
const HEAD_RESERVE_BYTES = 512;

const nothing: readonly Uint8Array[] = [];
const untaken = [false, false] as const;

/** What an exchange hears from its client. */
export interface DownstreamEvents {
  /** A view that dies with the call. */
  onRequestBody(chunk: Uint8Array, last: boolean): void;
  /** The client is gone; nothing more comes and nothing more can be sent. */
  onAborted(): void;
  /** All that was held back has been taken by the client's socket. */
  onDrained(): void;
}

/** Status line and headers of an answer. */
export interface AnswerHead {
  /** Status code, a space and the reason phrase, then `\r\nName: value` for each header. Must be validated. */
  readonly lines: string;
  /** `lines` hold bytes above 0x7f, one per character, which must leave as they are. */
  readonly eightBit: boolean;
}

/**
 * One exchange's side of the client connection. It owns the engine's response object and its rules: dead after an
 * abort or the end; pause only before the answer starts and resume before its first write (a pause that overlaps
 * back-pressure wedges the connection); pieces of unknown total length at most PIECE_BYTES, one for each cork. Its
 * time-out of about 10 s runs while a body is read, and after a resume even when the body is complete and the answer
 * under way, so it must be put off again and again until something stops it.
 */
export class Downstream {
  /** The engine closes the connection after the answer, but does not announce it. */
  closesItself = false;
  private readonly response: EngineResponse;
  private readonly peers: PeerNames;
  private events: DownstreamEvents | undefined;
  private dead = false;
  private paused = false;
  /** Paused at some time since somebody asked. */
  private wasPaused = false;
  /** The engine's time-out runs although nobody waits for the client to take an answer. */
  private timed = false;
  /** The client has not taken all that it was sent. */
  private blocked = false;
  private started = false;
  /** The engine's handler has not returned: it has corked the connection, and asking for that again only costs. */
  private handling = true;
  private total = -1;
  /** Head of a started answer until its first piece takes it along in the same write. */
  private pendingHead: AnswerHead | undefined;
  private closeAfter = false;
  private sent = 0;
  /** Whether the socket took the last piece, and whether that was the end. */
  private taken: readonly [ok: boolean, done: boolean] = untaken;
  private backlog = nothing;
  private lastInBacklog = false;
  /** Bytes of the request's body may still come. */
  private awaitsBody = false;
  /** Set once the answer is written and only the rest of the body keeps the connection. */
  private linger: Linger | undefined;

  constructor(response: EngineResponse, peers: PeerNames) {
    this.response = response;
    this.peers = peers;
    response.onAborted(() => {
      this.dead = true;
      this.backlog = nothing;
      this.linger?.stop();
      this.events?.onAborted();
    });
  }

  /** False once the client is gone or the answer is complete. */
  get open(): boolean {
    return !this.dead;
  }

  get answering(): boolean {
    return this.started;
  }

  /** The client has not sent all of its body. */
  get receiving(): boolean {
    return this.awaitsBody;
  }

  /** The client has not taken yet what it was sent. */
  get behind(): boolean {
    return this.blocked;
  }

  /** The client is kept from sending its body. */
  get pausing(): boolean {
    return this.paused;
  }

  /**
   * Text of the peer's address, `unix` for the peer of a unix socket; only while open. Undefined when a TCP peer has
   * reset the connection and the engine has not told of it yet.
   */
  remoteAddress(): string | undefined {
    return this.peers.addressOf(this.response);
  }

  listen(events: DownstreamEvents): void {
    this.events = events;
  }

  /** The engine's handler is about to return; must be called. */
  handled(): void {
    this.handling = false;
  }

  /** Must be called before the engine's handler returns, or body bytes are lost. */
  takeBody(): void {
    this.timed = true;
    this.awaitsBody = true;
    this.response.onData((chunk, last) => {
      if (last) {
        this.timed = false;
        this.awaitsBody = false;
      }
      // The engine goes on delivering a body after the answer is complete; nobody wants it then.
      this.linger?.take(chunk.byteLength, last);
      this.events?.onRequestBody(new Uint8Array(chunk), last);
    });
  }

  /** Stops reading the request body. The engine may still deliver what the kernel has received (megabytes). */
  pauseBody(): void {
    if (this.paused || this.started || this.dead) return;
    this.paused = true;
    this.wasPaused = true;
    this.timed = false;
    this.response.pause();
  }

  resumeBody(): void {
    if (!this.paused || this.dead) return;
    this.paused = false;
    this.timed = true;
    this.response.resume();
  }

  /** Whether the client was kept from sending its body at any time since this was asked before. */
  takePaused(): boolean {
    const paused = this.paused || this.wasPaused;
    this.wasPaused = false;
    return paused;
  }

  /**
   * Puts off the engine's time-out: it cuts bodies below 16 KB/s, clients that were asked to pause, and after a
   * resume also exchanges that wait for upstream, none of which is its business. It must come at least every 8 s.
   * Harmless while an answer is under way, because it is done only as long as the socket took every piece at once:
   * then nothing but reading is armed, and the pair leaves it as it was.
   */
  postponeTimeout(): void {
    if (this.dead) return;
    if (this.paused) {
      // What still arrives behind a pause starts the time-out anew, and the client could do nothing against it.
      this.response.resume();
      this.response.pause();
    } else if (this.timed) {
      this.response.pause();
      this.response.resume();
    }
  }

  /**
   * Sends a whole answer. `close` ends the connection after it. `announced` is for answers without a body to HEAD
   * or with 304: the Content-Length to announce, or -1 for none; otherwise undefined. Returns false when the client
   * cannot take all of it now; a copy of the rest is kept and `onDrained` follows.
   */
  answer(head: AnswerHead, body: Uint8Array, close: boolean, announced?: number): boolean {
    if (this.dead) return true;
    this.resumeBody();
    this.started = true;
    if (announced === undefined && !close && body.length > 0) return this.answerInStep(head, body);
    this.response.cork(() => {
      this.writeHead(head);
      if (announced === undefined) {
        this.dead = true;
        if (close && this.closesItself) this.response.writeHeader('connection', 'close');
        this.response.end(body, close);
        return;
      }
      this.dead = true;
      if (announced >= 0) this.response.writeHeader('content-length', String(announced));
      if (close) this.endHeadByHand('close\r\n');
      else this.response.endWithoutBody();
    });
    if (close && announced !== undefined) {
      this.events = undefined;
      this.response.close();
    }
    return true;
  }

  /**
   * Sends a whole answer while the client is still sending its body, and ends the connection when that is through or
   * long enough was waited for it, so that no reset overtakes the answer. `announced` as for `answer`; `events` go on to hear of the body. To the engine
   * the answer is never complete: it would take the connection for free then, and could not be told to close.
   */
  answerBeforeBody(head: AnswerHead, body: Uint8Array, announced?: number, events?: DownstreamEvents): void {
    if (this.dead) return;
    this.resumeBody();
    this.started = true;
    this.events = events;
    this.response.cork(() => {
      this.writeHead(head);
      if (announced === undefined) {
        this.response.writeHeader('transfer-encoding', 'chunked');
        this.endHeadByHand(closeAndChunk(body));
      } else {
        if (announced >= 0) this.response.writeHeader('content-length', String(announced));
        this.endHeadByHand('close\r\n');
      }
    });
    this.linger = new Linger(() => this.response.close());
  }

  /** With `end` answers would pile up in the engine while a client asks on and never reads. */
  private answerInStep(head: AnswerHead, body: Uint8Array): boolean {
    this.pendingHead = head;
    this.total = body.length;
    const left = this.sendOfTotal(body);
    if (left === undefined) return true;
    this.backlog = [copyOf(left)];
    this.lastInBacklog = true;
    this.block();
    this.response.onWritable(() => this.drain());
    return false;
  }

  /** Starts an answer that arrives in pieces; `total` in bytes, -1 when it is not known. */
  begin(head: AnswerHead, total: number, close: boolean): void {
    if (this.dead) return;
    this.resumeBody();
    this.started = true;
    this.total = total;
    this.pendingHead = head;
    this.closeAfter = close;
    this.response.onWritable(() => this.drain());
  }

  /**
   * Sends pieces of a started answer; `last` completes it. Returns false when the client cannot take them now: a
   * copy of the rest is kept (at most the pieces of one call) and `onDrained` follows; nothing may be sent until then.
   */
  send(pieces: readonly Uint8Array[], last: boolean): boolean {
    return this.sendAll(pieces, last, false);
  }

  /** Cuts the connection, so that a started answer does not look whole. */
  abort(): void {
    if (this.dead) return;
    this.events = undefined;
    this.response.close();
  }

  private writeHead({ lines, eightBit }: AnswerHead): void {
    // One native call carries status and headers: `lines` were put together from what the response parser accepted or
    // we wrote, so the only CR and LF in them are the separators between them.
    this.response.writeStatus(eightBit ? Buffer.from(lines, 'latin1') : lines);
  }

  /** The engine closes by itself only after a body, so a head alone is ended here and the connection by the caller. */
  private endHeadByHand(connection: string | Uint8Array): void {
    this.response.writeHeader('date', new Date(systemClock.wall()).toUTCString());
    this.response.writeHeader('connection', connection);
  }

  /** `owned` pieces may be kept as they are; others are views of a buffer that is about to be reused. */
  private sendAll(pieces: readonly Uint8Array[], last: boolean, owned: boolean): boolean {
    if (this.dead) return true;
    for (let at = 0; at < pieces.length; at += 1) {
      const left = this.sendPiece(pieces[at] as Uint8Array);
      if (left === undefined) continue;
      const rest = left.length > 0 ? [left, ...pieces.slice(at + 1)] : pieces.slice(at + 1);
      this.backlog = owned ? rest : rest.map(copyOf);
      this.lastInBacklog = last;
      this.block();
      return false;
    }
    if (last) this.complete();
    return true;
  }

  /** What the socket did not take now, undefined when it took all; an empty rest still means: wait. */
  private sendPiece(piece: Uint8Array): Uint8Array | undefined {
    if (this.total >= 0) return this.sendOfTotal(piece);
    for (let at = 0; at < piece.length; at += PIECE_BYTES) {
      const slice = piece.subarray(at, at + PIECE_BYTES);
      const head = this.pendingHead;
      // Head and piece together must not pass the engine's cork buffer either.
      if (head !== undefined && head.lines.length + HEAD_RESERVE_BYTES + slice.length > PIECE_BYTES) {
        this.response.cork(() => this.flushHead());
      }
      let taken = false;
      this.response.cork(() => {
        this.flushHead();
        taken = this.response.write(slice);
      });
      // A refused slice is buffered by the engine all the same; only what follows it is ours to keep.
      if (!taken) return piece.subarray(at + slice.length);
    }
    return undefined;
  }

  private sendOfTotal(piece: Uint8Array): Uint8Array | undefined {
    if (this.handling) this.writeOfTotal(piece);
    else this.response.cork(() => this.writeOfTotal(piece));
    if (this.taken[1]) {
      this.dead = true;
      return undefined;
    }
    if (this.taken[0]) {
      this.sent += piece.length;
      return undefined;
    }
    const taken = this.response.getWriteOffset() - this.sent;
    this.sent += taken;
    return piece.subarray(taken);
  }

  private writeOfTotal(piece: Uint8Array): void {
    this.flushHead();
    if (this.sent + piece.length === this.total) this.stopReading();
    this.taken = this.response.tryEnd(piece, this.total);
  }

  private flushHead(): void {
    const head = this.pendingHead;
    if (head === undefined) return;
    this.pendingHead = undefined;
    this.writeHead(head);
    // By hand: the engine announces a close only with a whole answer.
    if (this.closeAfter) this.response.writeHeader('connection', 'close');
  }

  private complete(): void {
    if (this.dead) return;
    this.dead = true;
    this.response.cork(() => {
      this.flushHead();
      this.stopReading();
      this.response.end();
    });
  }

  /**
   * The engine cannot close after an answer in pieces, so it is kept from reading what comes behind the request; the
   * client, who was told to, or the engine's idle time-out closes. When the socket is full, the engine starts to
   * read again, so this is called anew before each attempt to send the last bytes.
   */
  private stopReading(): void {
    if (this.closeAfter && !this.closesItself) this.response.pause();
  }

  /** From here on the engine's time-out watches a client that does not read; it stops by itself when that one does. */
  private block(): void {
    this.blocked = true;
    this.timed = false;
  }

  /** The engine calls this when the socket takes bytes again and flushes nothing by itself. */
  private drain(): boolean {
    if (this.dead) return true;
    const pieces = this.backlog;
    this.backlog = nothing;
    this.blocked = false;
    if (pieces.length === 0 && !this.lastInBacklog) {
      // The engine still buffers the slice it refused; leaving a cork is what flushes that.
      this.response.cork(() => {});
    } else if (!this.sendAll(pieces, this.lastInBacklog, true)) {
      return false;
    }
    this.events?.onDrained();
    return true;
  }
}

/** Not `slice`: that of a Buffer is a view, and another connection's answer would be read into it. */
function copyOf(piece: Uint8Array): Uint8Array {
  return new Uint8Array(piece);
}
