import { randomBytes } from 'node:crypto';

/** A name of 16 bytes and two keys of 16, as Node.js takes them. */
const BYTES = 48;
/**
 * Milliseconds for which a key seals sessions. A thief of it reads the sessions of TLS 1.2 from that time (RFC 5077
 * §5.5); each change costs every client one whole handshake.
 */
const ROTATE_MS = 12 * 60 * 60_000;

/** The key of session tickets, which all workers share so that a client can resume its session at each of them. */
export class TicketKeys {
  readonly #onChange: (keys: Uint8Array) => void;
  readonly #timer: NodeJS.Timeout;
  #keys: Uint8Array = randomBytes(BYTES);

  /** @param onChange takes each later key. */
  constructor(onChange: (keys: Uint8Array) => void) {
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.rotate(), ROTATE_MS).unref();
  }

  get current(): Uint8Array {
    return this.#keys;
  }

  rotate(): void {
    this.#keys = randomBytes(BYTES);
    this.#onChange(this.#keys);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
