/** A socket to an upstream server, as a connection uses it. What it reads goes to the function of its constructor. */
export interface ByteSocket {
  /** Upstream takes no bytes any more; its response may still come. */
  readonly writeFailed: boolean;
  /** A write has shown that upstream has reset the connection, which it then reads as an end. */
  readonly wasReset: boolean;
  /** Bytes that wait to leave. */
  readonly writableLength: number;
  /** Whether it still sends after the peer has ended its side; false at first. */
  allowHalfOpen: boolean;
  /** Returns false when enough bytes wait; `drain` follows. */
  write(bytes: Uint8Array | string, encoding?: BufferEncoding): boolean;
  /** Writes as many bytes as the kernel takes at once. Returns their number; the rest must go through `write`. */
  writeNow(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Sends nothing more behind what was written; what the peer sends still comes. */
  end(): void;
  destroy(): void;
  on(event: 'connect' | 'secureConnect' | 'drain' | 'end' | 'close', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}
