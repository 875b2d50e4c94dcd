/** One side of a tunnel: a socket whose bytes are not HTTP any more. */
export interface TunnelSide {
  /** Gives the receiver of what follows, and lets the first bytes come. Called once. */
  start(events: TunnelEvents): void;
  /**
   * Sends bytes; a view may die with the call. Returns false when the system did not take all of them: the side keeps a
   * copy of the rest, and `onDrained` follows.
   */
  write(bytes: Uint8Array): boolean;
  /** Sends nothing more behind what was written. */
  end(): void;
  /** Stops reading. What was read already may still come. */
  pause(): void;
  resume(): void;
  /** Ends the connection behind what was written. */
  close(): void;
  /** Cuts the connection. */
  destroy(): void;
}

/** What comes from one side of a tunnel. */
export interface TunnelEvents {
  /** A view that is valid during the call. */
  onBytes(bytes: Uint8Array): void;
  /** The system has taken what a write left. */
  onDrained(): void;
  /** The peer sends nothing more. */
  onEnd(): void;
  /** The connection is gone. */
  onClosed(): void;
}
