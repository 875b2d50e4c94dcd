import { ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR, SETTINGS_TIMEOUT } from './codes.ts';

/** Milliseconds in which a client must acknowledge settings: a slow network needs seconds (RFC 9113 §6.5.3). */
const SETTINGS_MS = 20_000;

/** What a review is told of a connection. */
export interface ConnectionState {
  /** Milliseconds that a head may take, and a connection without a request may last; Infinity for any. */
  readonly requestHeadMs: number;
  readonly keepAliveMs: number;
  /** Milliseconds in which a client must take something of what it was sent. */
  readonly sendMs: number;
  /** Streams that are open, and the number of the last that was opened. */
  readonly streams: number;
  readonly lastStream: number;
  /** The client's first settings have come; it has acknowledged ours. */
  readonly isGreeted: boolean;
  readonly isAcknowledged: boolean;
  /** Names the frame or the field block of which only a part has come; undefined when none is open. */
  readonly part: string | undefined;
  /** The client does not take what it is sent, of which `unsent` bytes wait. */
  readonly isBlocked: boolean;
  readonly unsent: number;
}

/** The time-outs of one connection. It is reviewed once a second, so that no frame costs a timer or a look at the clock. */
export class Patience {
  /** All in monotonic milliseconds; -1 before the first review, or while nothing is waited for. */
  #openedAt = -1;
  #usedAt = -1;
  #partAt = -1;
  #blockedAt = -1;
  #lastStream = 0;
  #part: string | undefined;
  #unsent = 0;

  /**
   * @param now monotonic milliseconds.
   * @returns the error code to end the connection with; `stuck` when not even that could be sent; undefined to go on.
   */
  review(now: number, state: ConnectionState): number | 'stuck' | undefined {
    if (this.#openedAt < 0) {
      this.#openedAt = now;
      this.#usedAt = now;
    }
    const age = now - this.#openedAt;
    if (!state.isGreeted && age >= state.requestHeadMs) return PROTOCOL_ERROR;
    if (this.#isStuck(now, state)) return 'stuck';
    if (!state.isAcknowledged && age >= SETTINGS_MS) return SETTINGS_TIMEOUT;
    if (this.#trickles(now, state)) return ENHANCE_YOUR_CALM;
    return this.#isIdle(now, state) ? NO_ERROR : undefined;
  }

  #isStuck(now: number, { isBlocked, unsent, sendMs }: ConnectionState): boolean {
    const moved = unsent < this.#unsent;
    this.#unsent = unsent;
    if (!isBlocked) this.#blockedAt = -1;
    else if (this.#blockedAt < 0 || moved) this.#blockedAt = now;
    return isBlocked && now - this.#blockedAt >= sendMs;
  }

  #trickles(now: number, { part, requestHeadMs }: ConnectionState): boolean {
    if (part !== this.#part) {
      this.#part = part;
      this.#partAt = now;
    }
    return part !== undefined && now - this.#partAt >= requestHeadMs;
  }

  /** A response that the system still holds for the client is in use. */
  #isIdle(now: number, { streams, lastStream, unsent, keepAliveMs }: ConnectionState): boolean {
    if (streams > 0 || unsent > 0 || lastStream !== this.#lastStream) {
      this.#lastStream = lastStream;
      this.#usedAt = now;
    }
    return now - this.#usedAt >= keepAliveMs;
  }
}
