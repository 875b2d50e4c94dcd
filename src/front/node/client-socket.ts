import type { TlsFacts } from '../front.ts';

/** The socket of one client, as the protocols see it. */
export interface ClientSocket {
  readonly scheme: 'http' | 'https';
  /** See `ClientStream.tls`. */
  readonly tls?: TlsFacts | undefined;
  /** Its address redirects to https. */
  readonly redirects?: boolean | undefined;
  /** Text of the peer's IP address, or `unix`; undefined when the peer has reset the connection. */
  readonly peer: string | undefined;
  /** host[:port] at which the client has reached the gateway; `localhost` for a unix socket. */
  readonly localHost: string;
  /** Bytes that the system has not taken yet. */
  readonly unsent: number;
  /**
   * Writes text (each character is a byte), then pieces, then more text, in one go. The pieces may be views that die with
   * the call. Returns false when the system did not take all of it: the socket keeps a copy of the rest, and `onDrained`
   * follows.
   */
  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean;
  /** Writes bytes that belong to the socket from then on. Returns as `writeMessage` does. */
  write(data: Uint8Array): boolean;
  /** Writes text; each character is a byte. Returns as `writeMessage` does. */
  writeLatin1(text: string): boolean;
  /** Stops reading; what the gateway has read already still comes. */
  pause(): void;
  resume(): void;
  /**
   * Ends our side behind what was written, reads and drops for a bounded time, then closes (RFC 9112 §9.6): a connection
   * closed with bytes unread is reset, and the reset may overtake the response.
   */
  close(): void;
  /** Ends our side behind what was written, and reads on. */
  endWriting(): void;
  /** Cuts the connection. The client sees a reset, so that no response looks whole. */
  destroy(): void;
}

/** What a protocol does with the bytes and the events of a socket. */
export interface Protocol {
  /** A view of a buffer that all sockets share; it is valid during the call. */
  onBytes(bytes: Buffer): void;
  /** The system has taken what a write left. */
  onDrained(): void;
  /** The client has ended its side. It may still read. Over TLS it has left, and `onClosed` follows instead. */
  onEnd(): void;
  /** The connection is gone. */
  onClosed(): void;
  /** Called about once a second. @param now monotonic milliseconds. */
  review(now: number): void;
  /** Asks the client to leave. */
  drain(): void;
}
