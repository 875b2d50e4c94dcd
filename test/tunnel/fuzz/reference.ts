import type { Buffer } from 'node:buffer';

/** What a reading of all bytes of one side finds (RFC 6455 §5.2). */
export interface Frames {
  /** The offsets at which a frame may begin: the first byte, and the end of each frame that came whole. */
  readonly boundaries: readonly number[];
  /** The offset of the first frame that is a Close, whole or not; Infinity without one. */
  readonly closeAt: number;
  /** A word for each kind of header that came whole: the bytes of the length, `masked`, `control`. */
  readonly kinds: ReadonlySet<string>;
}

/** Reads the headers in bytes that are all there. Lengths of 64 bits are exact. */
export function framesIn(bytes: Buffer): Frames {
  const boundaries = [0];
  const kinds = new Set<string>();
  let closeAt = Number.POSITIVE_INFINITY;
  let at = 0;
  while (at < bytes.length) {
    const opcode = bytes.readUInt8(at) % 16;
    if (opcode === 8) closeAt = Math.min(closeAt, at);
    if (at + 1 >= bytes.length) break;
    const second = bytes.readUInt8(at + 1);
    const lengthBytes = [2, 8][(second % 128) - 126] ?? 0;
    const payloadAt = at + 2 + lengthBytes + (second < 128 ? 0 : 4);
    if (payloadAt > bytes.length) break;
    const long = bytes.toString('hex', at + 2, at + 2 + lengthBytes);
    const length = lengthBytes === 0 ? BigInt(second % 128) : BigInt(`0x${long}`);
    kinds.add(`${lengthBytes}${second < 128 ? '' : ' masked'}${opcode < 8 ? '' : ' control'}`);
    const end = BigInt(payloadAt) + length;
    if (end > BigInt(bytes.length)) break;
    at = Number(end);
    boundaries.push(at);
  }
  return { boundaries, closeAt, kinds };
}
