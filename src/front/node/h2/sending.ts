import { Buffer } from 'node:buffer';
import type { ResponseHead } from '../../../http/message.ts';
import { CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME_BYTES, HEADERS, MAX_31_BITS } from './codes.ts';
import { noTable } from './hpack/block-writer.ts';
import type { Output } from './output.ts';
import { dateBlock, responseBlock } from './response-block.ts';
import { FIRST_WINDOW } from './windows.ts';

/** A stream with something to send. */
export interface WaitingStream {
  isWaiting: boolean;
  pump(): void;
}

/** Sends what the streams of one connection have, within the client's windows and at its pace. */
export class Sending {
  /** Bytes of DATA that the client takes on all streams together. */
  window = FIRST_WINDOW;
  readonly #output: Output;
  /** Streams in the order in which they get their turn. */
  #waiting: WaitingStream[] = [];
  /** The client knows that no block needs a table. */
  #isTableClosed = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Sends the head of a response. */
  head(stream: number, head: ResponseHead, ends: boolean): void {
    const block = responseBlock(head);
    const date = dateBlock();
    if (this.#isTableClosed && block.length + date.length <= FRAME_BYTES) {
      const flags = ends ? END_HEADERS | END_STREAM : END_HEADERS;
      this.#output.joinedFrame(HEADERS, flags, stream, block, date);
    } else this.block(stream, [block, date], ends);
  }

  data(stream: number, bytes: Uint8Array, from: number, to: number, ends: boolean): void {
    this.window -= to - from;
    this.#output.frame(DATA, ends ? END_STREAM : 0, stream, bytes, from, to);
  }

  /** The client takes `bytes` more on the connection. @returns false when the window would be too large. */
  widen(bytes: number): boolean {
    this.window += bytes;
    return this.window <= MAX_31_BITS;
  }

  /** Puts a stream behind the others in the line. */
  wait(stream: WaitingStream): void {
    if (stream.isWaiting) return;
    stream.isWaiting = true;
    this.#waiting.push(stream);
  }

  /** Lets the streams send on, each in turn, while the client takes anything. */
  pump(): void {
    // A stream that cannot send all of it joins the line again.
    for (let count = this.#waiting.length; count > 0 && !this.#output.isBlocked; count -= 1) {
      const stream = this.#waiting.shift() as WaitingStream;
      stream.isWaiting = false;
      stream.pump();
    }
  }

  stop(): void {
    this.#waiting = [];
  }

  /** Sends a field block in parts, between which no other frame may come (RFC 9113 §4.3). */
  block(stream: number, parts: readonly Uint8Array[], ends: boolean): void {
    const block = Buffer.concat(this.#isTableClosed ? parts : [noTable, ...parts]);
    this.#isTableClosed = true;
    for (let at = 0; at < block.length; at += FRAME_BYTES) {
      const to = Math.min(at + FRAME_BYTES, block.length);
      const end = to === block.length ? END_HEADERS : 0;
      if (at > 0) this.#output.frame(CONTINUATION, end, stream, block, at, to);
      else this.#output.frame(HEADERS, ends ? end | END_STREAM : end, stream, block, at, to);
    }
  }
}
