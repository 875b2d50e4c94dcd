/**
 * Bytes of responses that all clients of a process together may leave in its memory. A stream keeps what upstream sent in
 * one read, 128 KiB at most, until its client takes it: enough for a thousand streams that wait at one time, where one
 * connection could otherwise make its 128 streams cost 16 MiB. A tunnel keeps what its client sent, 256 KiB at most.
 */
const MOST_BYTES = 128 * 1024 * 1024;

/** Counts the parts of responses that wait for their clients, and what clients sent into tunnels that wait for upstream. */
export class HeldBytes {
  readonly #most: number;
  #bytes = 0;

  constructor(most: number = MOST_BYTES) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room. @returns false when there is too little. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#most) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
