/** Bytes of the smallest and the largest memory that is kept for the next copy. A larger piece gets memory of its own. */
const LEAST = 4 * 1024;
const MOST = 1024 * 1024;

const LEAST_BITS = Math.log2(LEAST);

/**
 * Memory for copies of body bytes, which the socket mostly writes at once: without reuse a fast upload leaves tens of
 * megabytes of copies behind before the garbage collector runs. One piece for each power of two, together less than
 * 2 * MOST.
 */
export class BodyCopies {
  readonly #spare: (Buffer | undefined)[] = [];

  /** Room for `size` bytes, in memory of at most twice that size or LEAST. The next call reuses the memory. */
  room(size: number): Buffer {
    if (size > MOST) return Buffer.allocUnsafeSlow(size);
    const at = classOf(size);
    this.#spare[at] ??= Buffer.allocUnsafeSlow(LEAST << at);
    return this.#spare[at].subarray(0, size);
  }

  /** Keeps the next call of `room` from reusing this memory. @returns the bytes of this memory. */
  keep(room: Buffer): number {
    const at = classOf(room.length);
    if (this.#spare[at]?.buffer === room.buffer) this.#spare[at] = undefined;
    return room.buffer.byteLength;
  }
}

function classOf(size: number): number {
  return Math.max(0, 32 - Math.clz32(size - 1) - LEAST_BITS);
}
