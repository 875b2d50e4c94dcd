import { Buffer } from 'node:buffer';
import { ConnectionFault, ENHANCE_YOUR_CALM } from './codes.ts';

/** CONTINUATION frames of one block: a head of the largest limit needs 33 whole ones (CVE-2024-27316 and others). */
const MAX_CONTINUATIONS = 40;

/** A field block that comes in several frames (RFC 9113 §4.3). */
export class HeaderBlock {
  /** The stream of the block; 0 when none is open. */
  stream = 0;
  /** The block ends the request. */
  ends = false;
  /** Blocks that were opened. */
  count = 0;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** Begins a block with a copy of [from, to) of `bytes`. */
  open(stream: number, ends: boolean, bytes: Buffer, from: number, to: number): void {
    this.stream = stream;
    this.ends = ends;
    this.count += 1;
    this.#parts = [Buffer.from(bytes.subarray(from, to))];
    this.#bytes = to - from;
  }

  /**
   * Adds a copy of [from, to) of `bytes`.
   * @param most bytes of one block. @throws ConnectionFault when the block has more, or comes in too many frames.
   */
  add(bytes: Buffer, from: number, to: number, most: number): void {
    this.#bytes += to - from;
    if (this.#bytes > most || this.#parts.length > MAX_CONTINUATIONS)
      throw new ConnectionFault(ENHANCE_YOUR_CALM);
    this.#parts.push(Buffer.from(bytes.subarray(from, to)));
  }

  /** The whole block; none is open then. */
  close(): Buffer {
    const whole = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.stream = 0;
    return whole;
  }
}
