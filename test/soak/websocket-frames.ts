/** The opcodes of a soak (RFC 6455 §5.2), with the bit of the last fragment. */
export const TEXT = 0x81;
export const BINARY = 0x82;
export const CLOSE = 0x88;
export const PING = 0x89;
export const PONG = 0x8a;
const MASK_BYTES = 4;

export interface Frame {
  /** The first byte: the opcode, and whether it is the last fragment. */
  readonly first: number;
  /** Unmasked. */
  readonly payload: Buffer;
}

/** The bytes of a frame. @param key 4 bytes, of a client. */
export function frameOf({ first, payload }: Frame, key?: Buffer): Buffer {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + size);
  header[0] = first;
  header[1] = (size === 0 ? length : size === 2 ? 126 : 127) + (key === undefined ? 0 : 128);
  if (size > 0) header.writeUIntBE(length, 2 + size - Math.min(size, 6), Math.min(size, 6));
  return key === undefined
    ? Buffer.concat([header, payload])
    : Buffer.concat([header, key, masked(payload, key)]);
}

/** A Close frame's status and reason; 1005 without any (RFC 6455 §7.1.5). */
export function closeOf({ payload }: Frame): { readonly code: number; readonly reason: string } {
  return payload.length < 2
    ? { code: 1005, reason: '' }
    : { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}

/** The frames of one side. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** No frame has begun that has not ended. */
  get isBetween(): boolean {
    return this.#held.length === 0;
  }

  /** Returns the frames that have come whole by now. */
  push(bytes: Buffer): readonly Frame[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | undefined {
    const held = this.#held;
    if (held.length < 2) return undefined;
    const [first = 0, second = 0] = held;
    const size = [2, 8][(second & 127) - 126] ?? 0;
    const key = 2 + size;
    const begin = key + (second < 128 ? 0 : MASK_BYTES);
    if (held.length < begin) return undefined;
    const length = size === 0 ? second & 127 : held.readUIntBE(key - Math.min(size, 6), Math.min(size, 6));
    const end = begin + length;
    if (held.length < end) return undefined;
    this.#held = held.subarray(end);
    const payload = held.subarray(begin, end);
    return { first, payload: second < 128 ? payload : masked(payload, held.subarray(key, begin)) };
  }
}

function masked(payload: Buffer, key: Buffer): Buffer {
  const made = Buffer.from(payload);
  for (let at = 0; at < made.length; at += 1) {
    made[at] = (made[at] as number) ^ (key[at % MASK_BYTES] as number);
  }
  return made;
}
