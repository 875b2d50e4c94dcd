import { Buffer } from 'node:buffer';

/** Bytes of the memory that small pieces share, and of the smallest piece that has memory of its own. */
const BLOCK_BYTES = 4 * 1024;
const OWN_BYTES = BLOCK_BYTES / 2;

/**
 * Bytes of one request body that wait, the first to leave first. A client chooses how many bytes come in one piece, and an
 * object for each piece takes some 300 bytes. So small pieces behind another share memory: what the queue takes is at most
 * three times what it counts, and a block.
 */
export class BodyQueue {
  /** Bytes that wait. */
  bytes = 0;
  #pieces: Uint8Array[] = [];
  /** The memory at the end of which the last piece ends, while it has room for more. */
  #block: Buffer | undefined;
  #used = 0;

  /** The bytes that leave next; undefined when none wait. */
  get first(): Uint8Array | undefined {
    return this.#pieces[0];
  }

  /** Adds `size` bytes. @returns their memory, which the caller fills. */
  add(size: number): Buffer {
    this.bytes += size;
    const pieces = this.#pieces;
    // Most bodies wait as one piece.
    if (pieces.length === 0 || size >= OWN_BYTES) {
      const own = Buffer.allocUnsafeSlow(size);
      pieces.push(own);
      this.#block = undefined;
      return own;
    }
    const block = this.#block;
    const from = this.#used;
    if (block === undefined || block.length - from < size) return this.#addBlock(size);
    const to = from + size;
    const before = (pieces.at(-1) as Uint8Array).length;
    pieces[pieces.length - 1] = block.subarray(from - before, to);
    this.#used = to;
    return block.subarray(from, to);
  }

  /** Removes the first `count` bytes, which all belong to the first piece. */
  take(count: number): void {
    this.bytes -= count;
    const [first] = this.#pieces;
    if (first !== undefined && count < first.length) this.#pieces[0] = first.subarray(count);
    else this.#pieces.shift();
  }

  clear(): void {
    this.bytes = 0;
    this.#pieces = [];
    this.#block = undefined;
  }

  #addBlock(size: number): Buffer {
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    const room = block.subarray(0, size);
    this.#pieces.push(room);
    this.#block = block;
    this.#used = size;
    return room;
  }
}
