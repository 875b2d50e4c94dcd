import type { HeldBytes } from './held-bytes.ts';

/** The part of one response that waits for its client. Made only where something waits. */
export class Backlog {
  pieces: readonly Uint8Array[] = [];
  /** Bytes of the first piece that have been sent. */
  at = 0;
  /** The response ends with the last piece. */
  last = false;
  readonly #held: HeldBytes;
  #copied = 0;

  constructor(held: HeldBytes) {
    this.#held = held;
  }

  /** Nothing but a head or the end waits. */
  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  /**
   * Adds copies of pieces from offset `at` of the first: they are views of a buffer that is about to be reused.
   * @returns false when there is no room.
   */
  add(pieces: readonly Uint8Array[], at: number, last: boolean): boolean {
    const bytes = pieces.reduce((sum, { length }) => sum + length, -at);
    if (!this.#held.take(bytes)) return false;
    this.#copied += bytes;
    // One copy of all: an object for each piece would take more memory than tiny pieces hold.
    const copy = new Uint8Array(bytes);
    let to = -at;
    for (const piece of pieces) {
      copy.set(to < 0 ? piece.subarray(at) : piece, Math.max(to, 0));
      to += piece.length;
    }
    if (bytes > 0) this.pieces = [...this.pieces, copy];
    this.last ||= last;
    return true;
  }

  /** Puts what is left in place of the pieces; they are kept as they are. */
  put(pieces: readonly Uint8Array[], at: number, last: boolean): void {
    this.pieces = pieces;
    this.at = at;
    this.last = last;
  }

  /** Nothing waits any more. */
  release(): void {
    this.#held.give(this.#copied);
    this.#copied = 0;
  }
}

/** The index of the last piece that is not empty; -1 when all are. */
export function lastFilled(pieces: readonly Uint8Array[]): number {
  let at = pieces.length - 1;
  while (at >= 0 && (pieces[at] as Uint8Array).length === 0) at -= 1;
  return at;
}
