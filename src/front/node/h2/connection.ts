import { Buffer } from 'node:buffer';
import type { ClientSocket, Protocol } from '../client-socket.ts';
import { Budget, costs } from './budget.ts';
import * as codes from './codes.ts';
import { ConnectionFault } from './codes.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderBlock } from './header-block.ts';
import { Output } from './output.ts';
import { Patience } from './patience.ts';
import { Sending } from './sending.ts';
import { ourSettings, readSettings, SETTING_BYTES } from './settings.ts';
import { type H2Terms, MAX_STREAMS, Streams } from './streams.ts';
import { CONNECTION_WINDOW, FIRST_WINDOW, STREAM_WINDOW } from './windows.ts';

/** What a client sends first (RFC 9113 §3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Bytes that a client leaves unread before nothing more is read of it: replies to its frames would pile up. */
const UNREAD_BYTES = 128 * 1024;

/** Bytes of a field block above the limit of heads, so that a head that is a little too large still gets its reply. */
const BLOCK_EXTRA_BYTES = codes.FRAME_BYTES;

/** The payload of the ping that marks the time at which a client must know of our GOAWAY. */
const DRAIN_PING = Buffer.from('draining', 'latin1');

/**
 * Reviews, of which there is one a second, before the last GOAWAY: after the first GOAWAY, and after the client has
 * acknowledged the ping behind it. A client may acknowledge a ping ahead of requests that it has under way, which then
 * come after the acknowledgement.
 */
const DRAIN_REVIEWS = 3;
const SETTLE_REVIEWS = 2;

/** The connection of a client that speaks HTTP/2 (RFC 9113). */
export class H2Connection implements Protocol, FrameSink {
  readonly #socket: ClientSocket;
  readonly #terms: H2Terms;
  readonly #output: Output;
  readonly #sending: Sending;
  readonly #streams: Streams;
  readonly #budget = new Budget();
  readonly #reader = new FrameReader(this);
  readonly #block = new HeaderBlock();
  readonly #patience = new Patience();
  /** Bytes of the preface that have come. */
  #prefaced = 0;
  /** The client's first frame has come, which is SETTINGS (RFC 9113 §3.4). */
  #greeted = false;
  #acknowledged = false;
  #reading = false;
  #paused = false;
  /** The client was told to open no more streams, and may not know yet. */
  #draining = false;
  /** Reviews until the last GOAWAY while it is draining. */
  #reviewsLeft = 0;
  /** The last GOAWAY was sent: the connection ends with its last stream. */
  #leaving = false;
  /** The client sends nothing more. */
  #halfClosed = false;
  #over = false;

  constructor(socket: ClientSocket, terms: H2Terms) {
    this.#socket = socket;
    this.#terms = terms;
    this.#output = new Output(socket);
    this.#sending = new Sending(this.#output);
    const connects = terms.webSockets;
    this.#streams = new Streams({
      socket,
      terms,
      output: this.#output,
      sending: this.#sending,
      budget: this.#budget,
      connects,
      onEnd: () => this.#onStreamEnd(),
    });
    this.#send(
      codes.SETTINGS,
      0,
      ourSettings(MAX_STREAMS, STREAM_WINDOW, terms.limits.requestHead, connects),
    );
    this.#output.numberFrame(codes.WINDOW_UPDATE, 0, CONNECTION_WINDOW - FIRST_WINDOW);
    if (terms.draining) this.drain();
    terms.connections.h2 += 1;
  }

  onBytes(bytes: Buffer): void {
    if (this.#over) return;
    this.#reading = true;
    try {
      const from = this.#prefaced < PREFACE.length ? this.#readPreface(bytes) : 0;
      this.#reader.read(bytes, from);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) this.#terms.events.onFault(error);
      this.#fail(error instanceof ConnectionFault ? error.code : codes.INTERNAL_ERROR);
    }
    this.#reading = false;
    if (this.#over) return;
    if (!this.#leaving && this.#streams.servedUpTo < codes.MAX_31_BITS) this.#leave();
    if (this.#streams.size === 0 || this.#output.waiting > UNREAD_BYTES) this.#output.flush();
    if (this.#output.isBlocked && this.#output.waiting > UNREAD_BYTES) this.#pause();
    this.#closeIfDone();
  }

  onDrained(): void {
    if (this.#over) return;
    this.#output.onDrained();
    this.#sending.pump();
    if (!this.#paused || this.#output.isBlocked) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** The client sends nothing more, and may still take what its whole requests are owed. */
  onEnd(): void {
    if (this.#over) return;
    this.#halfClosed = true;
    this.#streams.cutUnfinished();
    this.#leaving = true;
    this.#closeIfDone();
  }

  onClosed(): void {
    this.#terms.connections.h2 -= 1;
    this.#stop();
    this.#output.stop();
  }

  review(now: number): void {
    if (this.#over) return;
    this.#budget.review(now);
    this.#streams.review(now, this.#halfClosed);
    if (this.#over) return;
    const verdict = this.#patience.review(now, {
      requestHeadMs: this.#terms.requestHeadMs,
      keepAliveMs: this.#terms.keepAliveMs,
      sendMs: this.#terms.sendMs,
      streams: this.#streams.size,
      lastStream: this.#streams.last,
      isGreeted: this.#greeted,
      isAcknowledged: this.#acknowledged,
      part: this.#partName,
      isBlocked: this.#output.isBlocked,
      unsent: this.#socket.unsent,
    });
    if (verdict === 'stuck') {
      this.#stop();
      this.#socket.destroy();
    } else if (verdict !== undefined) this.#fail(verdict);
    else if (this.#draining && !this.#leaving) this.#settle();
  }

  /** Asks the client to leave in two steps, so that no request is lost that is on its way (RFC 9113 §6.8). */
  drain(): void {
    if (this.#over || this.#draining || this.#leaving) return;
    this.#draining = true;
    this.#reviewsLeft = DRAIN_REVIEWS;
    this.#goAway(codes.MAX_31_BITS, codes.NO_ERROR);
    this.#send(codes.PING, 0, DRAIN_PING);
  }

  onFrame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#greeted) {
      if (type !== codes.SETTINGS || (flags & codes.ACK) !== 0)
        throw new ConnectionFault(codes.PROTOCOL_ERROR);
      this.#greeted = true;
    }
    // Nothing may come between the frames of a block (RFC 9113 §4.3).
    if (this.#block.stream > 0 && (type !== codes.CONTINUATION || stream !== this.#block.stream)) {
      throw new ConnectionFault(codes.PROTOCOL_ERROR);
    }
    switch (type) {
      case codes.HEADERS:
        this.#onHeaders(flags, stream, bytes, from, to);
        break;
      case codes.CONTINUATION:
        this.#onContinuation(flags, stream, bytes, from, to);
        break;
      case codes.WINDOW_UPDATE:
        this.#onWindowUpdate(stream, bytes, from, to);
        break;
      case codes.RST_STREAM:
        assertStream(stream);
        assertLength(to - from, 4);
        this.#streams.onReset(stream);
        break;
      case codes.SETTINGS:
        assertNoStream(stream);
        this.#onSettings(flags, bytes, from, to);
        break;
      case codes.PING:
        assertNoStream(stream);
        assertLength(to - from, 8);
        this.#onPing(flags, bytes, from, to);
        break;
      case codes.PRIORITY:
        assertStream(stream);
        assertLength(to - from, 5);
        this.#budget.spend(costs.frame);
        if (dependsOn(bytes, from) === stream) throw new ConnectionFault(codes.PROTOCOL_ERROR);
        break;
      case codes.GOAWAY:
        assertNoStream(stream);
        if (to - from < 8) throw new ConnectionFault(codes.FRAME_SIZE_ERROR);
        // This side opens no streams, so there is none to give up.
        this.#budget.spend(costs.frame);
        break;
      case codes.PUSH_PROMISE:
        throw new ConnectionFault(codes.PROTOCOL_ERROR);
      default:
        // Unknown types are ignored (RFC 9113 §4.1).
        this.#budget.spend(costs.frame);
    }
  }

  onDataFrame(flags: number, stream: number, length: number): void {
    if (!this.#greeted || this.#block.stream > 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    assertStream(stream);
    this.#streams.onDataFrame(flags, stream, length);
  }

  onData(bytes: Buffer, from: number, to: number, last: boolean): void {
    this.#streams.onData(bytes, from, to, last);
  }

  get #partName(): string | undefined {
    if (this.#block.stream > 0) return `block ${this.#block.count}`;
    return this.#reader.holdsPart ? `frame ${this.#reader.frames}` : undefined;
  }

  /** Compares what has come with the preface, and returns the offset behind it. */
  #readPreface(bytes: Buffer): number {
    const count = Math.min(PREFACE.length - this.#prefaced, bytes.length);
    const isRight = bytes.compare(PREFACE, this.#prefaced, this.#prefaced + count, 0, count) === 0;
    if (!isRight) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    this.#prefaced += count;
    return count;
  }

  #onHeaders(flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    // Streams of clients have odd numbers (RFC 9113 §5.1.1).
    if (stream % 2 === 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    let start = from;
    let end = to;
    if ((flags & codes.PADDED) !== 0) {
      if (start === end) throw new ConnectionFault(codes.FRAME_SIZE_ERROR);
      end -= bytes[start] as number;
      start += 1;
    }
    if ((flags & codes.HAS_PRIORITY) !== 0) {
      if (to - start < 5) throw new ConnectionFault(codes.FRAME_SIZE_ERROR);
      if (dependsOn(bytes, start) === stream) throw new ConnectionFault(codes.PROTOCOL_ERROR);
      start += 5;
    }
    if (end < start) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    const ends = (flags & codes.END_STREAM) !== 0;
    if ((flags & codes.END_HEADERS) !== 0) this.#streams.onBlock(stream, ends, bytes, start, end);
    else this.#block.open(stream, ends, bytes, start, end);
  }

  #onContinuation(flags: number, stream: number, bytes: Buffer, from: number, to: number): void {
    const block = this.#block;
    if (block.stream === 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    this.#budget.spend(costs.frame);
    block.add(bytes, from, to, this.#terms.limits.requestHead + BLOCK_EXTRA_BYTES);
    if ((flags & codes.END_HEADERS) === 0) return;
    const whole = block.close();
    this.#streams.onBlock(stream, block.ends, whole, 0, whole.length);
  }

  #onWindowUpdate(stream: number, bytes: Buffer, from: number, to: number): void {
    assertLength(to - from, 4);
    this.#budget.spend(costs.frame);
    const more = bytes.readUInt32BE(from) & codes.MAX_31_BITS;
    if (stream > 0) {
      this.#streams.onWindow(stream, more);
      return;
    }
    if (more === 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
    if (!this.#sending.widen(more)) throw new ConnectionFault(codes.FLOW_CONTROL_ERROR);
    this.#sending.pump();
  }

  #onSettings(flags: number, bytes: Buffer, from: number, to: number): void {
    if ((flags & codes.ACK) !== 0) {
      assertLength(to - from, 0);
      // One is owed; more of them ask for nothing, and cost.
      if (this.#acknowledged) this.#budget.spend(costs.frame);
      this.#acknowledged = true;
      return;
    }
    if ((to - from) % SETTING_BYTES !== 0) throw new ConnectionFault(codes.FRAME_SIZE_ERROR);
    this.#budget.spend(costs.settings);
    const window = readSettings(bytes, from, to);
    if (window >= 0) this.#streams.onFirstWindow(window);
    this.#send(codes.SETTINGS, codes.ACK, noBytes);
  }

  #onPing(flags: number, bytes: Buffer, from: number, to: number): void {
    this.#budget.spend(costs.frame);
    if ((flags & codes.ACK) === 0) this.#output.frame(codes.PING, codes.ACK, 0, bytes, from, to);
    else if (this.#draining && bytes.compare(DRAIN_PING, 0, 8, from, to) === 0)
      this.#reviewsLeft = Math.min(this.#reviewsLeft, SETTLE_REVIEWS);
  }

  #onStreamEnd(): void {
    if (this.#reading || this.#over || this.#streams.size > 0) return;
    // Nothing else is under way whose frames could share the write.
    this.#output.flush();
    this.#closeIfDone();
  }

  /** Sends the last GOAWAY once the client has had time to stop. */
  #settle(): void {
    this.#reviewsLeft -= 1;
    if (this.#reviewsLeft > 0) return;
    this.#leave();
    this.#closeIfDone();
  }

  /** Says which stream is the last one to be served; those that are open go on. */
  #leave(): void {
    this.#leaving = true;
    const { last, servedUpTo } = this.#streams;
    this.#streams.servedUpTo = Math.min(last, servedUpTo);
    this.#goAway(this.#streams.servedUpTo, codes.NO_ERROR);
  }

  #closeIfDone(): void {
    if (!this.#leaving || this.#over || this.#streams.size > 0) return;
    this.#output.flush();
    this.#stop();
    this.#socket.close();
  }

  /** Ends the connection for a reason that GOAWAY tells (RFC 9113 §5.4.1). */
  #fail(code: number): void {
    this.#stop();
    this.#goAway(Math.min(this.#streams.last, this.#streams.servedUpTo), code);
    this.#output.flush();
    this.#socket.close();
  }

  #stop(): void {
    this.#over = true;
    this.#reader.stop();
    this.#sending.stop();
    this.#streams.cutAll();
  }

  #goAway(last: number, code: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(last, 0);
    payload.writeUInt32BE(code, 4);
    this.#send(codes.GOAWAY, 0, payload);
  }

  #send(type: number, flags: number, payload: Uint8Array): void {
    this.#output.frame(type, flags, 0, payload, 0, payload.length);
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }
}

const noBytes = new Uint8Array();

function dependsOn(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) & codes.MAX_31_BITS;
}

function assertStream(stream: number): void {
  if (stream === 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
}

function assertNoStream(stream: number): void {
  if (stream !== 0) throw new ConnectionFault(codes.PROTOCOL_ERROR);
}

function assertLength(actual: number, expected: number): void {
  if (actual !== expected) throw new ConnectionFault(codes.FRAME_SIZE_ERROR);
}
