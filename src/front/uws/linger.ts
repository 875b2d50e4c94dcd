import { Buffer } from 'node:buffer';
import { systemClock } from '../../lib/clock.ts';

/**
 * Milliseconds without a byte from the client, after which it probably has its response. Longer than one or two
 * retransmissions (RFC 6298 §2), so that bytes still on their way meet an open socket.
 */
const QUIET_MS = 2_000;
/** Milliseconds in total, for a client that never stops sending. */
const WHOLE_MS = 30_000;
/**
 * Bytes in total. None of them is kept, but reading costs time. A client of a fast network may send this much before it
 * reads the response.
 */
const WHOLE_BYTES = 256 * 1024 * 1024;

/**
 * Delays the close after a response that ends the connection. Until then the client's bytes are read and dropped: a close
 * with unread bytes resets the connection, and the reset may overtake the response (RFC 9112 §9.6).
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
   * More of the body has arrived; `last` completes it. The close waits until the turn is over: if the engine has read
   * head and body at once, it holds the response until it has handled both, and a close before that would drop it.
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

/** The value of Connection, the end of the head, and a chunked body without its last CRLF, which the engine adds. */
export function closeAndChunk(body: Uint8Array): Uint8Array {
  const chunk = body.length === 0 ? '' : `${body.length.toString(16)}\r\n`;
  const end = body.length === 0 ? '0\r\n' : '\r\n0\r\n';
  return Buffer.concat([Buffer.from(`close\r\n\r\n${chunk}`), body, Buffer.from(end)]);
}
