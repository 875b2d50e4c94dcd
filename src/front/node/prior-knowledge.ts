import { Buffer } from 'node:buffer';
import type { Protocol } from './client-socket.ts';

/**
 * The beginning of the preface of HTTP/2 (RFC 9113 §3.4). It is reserved for that: no request of HTTP/1.x begins so, as
 * none has the version 2.0 (RFC 9113 §11.1).
 */
const BEGINNING = Buffer.from('PRI * HTTP/2.0\r\n', 'latin1');

/** What the two protocols of an address are made by. */
export interface ProtocolChoice {
  readonly http1: () => Protocol;
  readonly http2: () => Protocol;
  /** Milliseconds until the first byte, and from it until a protocol is chosen. */
  readonly keepAliveMs: number;
  readonly requestHeadMs: number;
  /** Ends a connection that has not begun in time. */
  readonly end: () => void;
}

/** A connection whose client may speak HTTP/2 without saying so first (RFC 9113 §3.3): its first bytes decide. */
export class PriorKnowledge implements Protocol {
  readonly #choice: ProtocolChoice;
  #chosen: Protocol | undefined;
  /** Bytes of the preface that have come. */
  #seen = 0;
  /** Monotonic milliseconds of the first review, and of the first behind a byte; -1 before. */
  #since = -1;
  #begunAt = -1;
  #draining = false;

  constructor(choice: ProtocolChoice) {
    this.#choice = choice;
  }

  onBytes(bytes: Buffer): void {
    if (this.#chosen !== undefined) {
      this.#chosen.onBytes(bytes);
      return;
    }
    const before = this.#seen;
    const count = Math.min(BEGINNING.length - before, bytes.length);
    const isPreface = bytes.compare(BEGINNING, before, before + count, 0, count) === 0;
    if (isPreface) this.#seen += count;
    if (isPreface && this.#seen < BEGINNING.length) return;
    const chosen = isPreface ? this.#choice.http2() : this.#choice.http1();
    this.#chosen = chosen;
    if (this.#draining) chosen.drain();
    // What came before was equal to the preface, so nothing had to be kept of it.
    if (before > 0) chosen.onBytes(Buffer.from(BEGINNING.subarray(0, before)));
    chosen.onBytes(bytes);
  }

  onDrained(): void {
    this.#chosen?.onDrained();
  }

  onEnd(): void {
    if (this.#chosen === undefined) this.#choice.end();
    else this.#chosen.onEnd();
  }

  onClosed(): void {
    this.#chosen?.onClosed();
  }

  review(now: number): void {
    if (this.#chosen !== undefined) {
      this.#chosen.review(now);
      return;
    }
    const { keepAliveMs, requestHeadMs, end } = this.#choice;
    if (this.#since < 0) this.#since = now;
    if (this.#seen > 0 && this.#begunAt < 0) this.#begunAt = now;
    const isLate =
      this.#begunAt < 0 ? now - this.#since >= keepAliveMs : now - this.#begunAt >= requestHeadMs;
    if (isLate) end();
  }

  drain(): void {
    // A client that has sent nothing may be about to, and is then asked to leave.
    this.#draining = true;
    this.#chosen?.drain();
  }
}
