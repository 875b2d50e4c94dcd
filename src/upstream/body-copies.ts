/** Smallest and largest memory that is kept for the next copy, in bytes; the engine hands over at most 512 KiB. */
const LEAST = 4 * 1024;
const MOST = 1024 * 1024;

const LEAST_BITS = Math.log2(LEAST);

/**
 * Memory for body bytes that the socket takes at once, as it mostly does: without it a fast upload leaves tens of
 * megabytes of copies behind before the garbage collector looks. One piece for each power of two; together less than
 * 2 * MOST for a process.
 */
export class BodyCopies {
  private readonly spare: (Buffer | undefined)[] = [];

  /** Room for `size` bytes, in memory of at most twice that or LEAST. What it held is overwritten by the next call. */
  room(size: number): Buffer {
    if (size > MOST) return Buffer.allocUnsafeSlow(size);
    const at = classOf(size);
    this.spare[at] ??= Buffer.allocUnsafeSlow(LEAST << at);
    return this.spare[at].subarray(0, size);
  }

  /** What `room` gave is not to be overwritten. Returns how many bytes of memory that keeps. */
  keep(room: Buffer): number {
    const at = classOf(room.length);
    if (this.spare[at]?.buffer === room.buffer) this.spare[at] = undefined;
    return room.buffer.byteLength;
  }
}

function classOf(size: number): number {
  return Math.max(0, 32 - Math.clz32(size - 1) - LEAST_BITS);
}
