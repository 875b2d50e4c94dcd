import { Buffer } from 'node:buffer';
import { systemClock } from '../../lib/clock.ts';

/**
 * Milliseconds without a byte after which the client is believed to have its answer: longer than a retransmission or
 * two (RFC 6298 §2), so that what is still on its way meets an open socket.
 */
const QUIET_MS = 2_000;
/** Milliseconds altogether, for a client that sends on and on. */
const WHOLE_MS = 30_000;
/**
 * Bytes altogether. None of them is kept, but reading costs: as much as one client of a fast network sends before it
 * looks at the answer.
 */
const WHOLE_BYTES = 256 * 1024 * 1024;

/**
 * The time between an answer that ends the connection and the end itself, in which what the client still sends is read
 * and dropped: a connection closed with bytes unread is reset, and the reset may overtake the answer (RFC 9112 §9.6).
 */
export class Linger {
  readonly #close: () => void;
  readonly #until = systemClock.monotonic() + WHOLE_MS;
  readonly #timer: NodeJS.Timeout;
  #closing: NodeJS.Immediate | undefined;
  #left = WHOLE_BYTES;

  /** @param close ends the connection; called once at most. */
  constructor(close: () => void) {
    this.#close = close;
    this.#timer = setTimeout(close, QUIET_MS);
  }

  /**
   * More of the body came; `last` when that is all of it. The end comes when the turn is over: the engine may have read
   * head and body at once, then it holds the answer until it is done with both, and a close would drop it.
   */
  take(bytes: number, last: boolean): void {
    if (this.#closing !== undefined) return;
    this.#left -= bytes;
    if (last || this.#left < 0 || systemClock.monotonic() >= this.#until) {
      this.stop();
      this.#closing = setImmediate(this.#close);
    } else this.#timer.refresh();
  }

  /** The client has ended the connection. */
  stop(): void {
    clearTimeout(this.#timer);
    if (this.#closing !== undefined) clearImmediate(this.#closing);
  }
}

/** The value of Connection, the end of the head, and a chunked body, but for the CRLF that the engine puts behind it. */
export function closeAndChunk(body: Uint8Array): Uint8Array {
  const chunk = body.length === 0 ? '' : `${body.length.toString(16)}\r\n`;
  const end = body.length === 0 ? '0\r\n' : '\r\n0\r\n';
  return Buffer.concat([Buffer.from(`close\r\n\r\n${chunk}`), body, Buffer.from(end)]);
}
