/** What an outlet reports to its socket. */
export interface OutletOwner {
  /** The system has taken what a write left. */
  onDrained(): void;
}

/** The way of bytes from a socket to the system, in their order. After `end`, or when the socket is gone, nothing is written. */
export interface Outlet {
  /** Bytes that the system has not taken yet. */
  readonly unsent: number;
  /** See `ClientSocket`. */
  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean;
  /** See `ClientSocket`. */
  write(data: Uint8Array): boolean;
  /** See `ClientSocket`. */
  writeLatin1(text: string): boolean;
  /** Ends our side behind what was written. */
  end(): void;
}
