/** The socket of one client, as the protocols see it. */
export interface ClientSocket {
  readonly scheme: 'http' | 'https';
  /** Text of the peer's IP address, or `unix`; undefined when the peer has reset the connection. */
  readonly peer: string | undefined;
  /** Bytes that the system has not taken yet. */
  readonly unsent: number;
  /** False: the client does not keep up; `onDrained` follows. Bytes are copied or owned by the socket from then on. */
  write(data: Uint8Array): boolean;
  writeLatin1(text: string): boolean;
  /** Stops and starts reading. */
  pause(): void;
  resume(): void;
  /** Ends our side behind what was written, reads and drops for a bounded time, then closes (RFC 9112 §9.6). */
  close(): void;
  /** Cuts the connection. */
  destroy(): void;
}

/** What a protocol does with the bytes and events of a socket. */
export interface Protocol {
  /** A view into a shared buffer that is valid during the call. */
  onBytes(bytes: Buffer): void;
  onDrained(): void;
  /** The client has ended its side; it may still read. */
  onEnd(): void;
  /** The connection is gone. */
  onClosed(): void;
  /** Called about once a second. @param now monotonic ms */
  review(now: number): void;
  drain(): void;
}
