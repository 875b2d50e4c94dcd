import { type Frame, framesIn, types } from '../front/node/h2/frames.ts';
import { Blocks } from '../front/node/h2/hpack/decoding.ts';
import type { Field } from './h2-encoder.ts';

/** Bytes of a frame's payload that this client allows (RFC 9113 §4.2). */
export const MAX_PAYLOAD = 16_384;
/** Bytes of a field block; a longer one is none. */
const MAX_BLOCK = 64 * 1024;
const END_HEADERS = 0x4;
const [PADDED, PRIORITY] = [0x8, 0x20];

/** A whole frame; HEADERS come with the fields of their block, and no CONTINUATION comes. */
export interface ReadFrame extends Frame {
  readonly fields?: readonly Field[];
}

/** Reads what a server sends on one connection, in frames. A breach of HTTP/2 throws. */
export class H2FrameReader {
  readonly #blocks = new Blocks();
  #rest: Buffer = Buffer.alloc(0);
  /** HEADERS whose block has not ended. */
  #open: Frame | undefined;
  #isFirst = true;

  read(bytes: Buffer): readonly ReadFrame[] {
    const { frames, rest } = framesIn(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]));
    this.#rest = rest;
    if (rest.length >= 9 && rest.readUIntBE(0, 3) > MAX_PAYLOAD) throw new Error('a frame that is too large');
    return frames.flatMap((frame) => this.#whole(frame));
  }

  #whole(frame: Frame): readonly ReadFrame[] {
    const { type, flags, stream, payload } = frame;
    if (payload.length > MAX_PAYLOAD) throw new Error('a frame that is too large');
    if (this.#isFirst && type !== types.settings) throw new Error('a first frame that is no SETTINGS');
    this.#isFirst = false;
    const open = this.#open;
    if ((type === types.continuation) !== (open !== undefined)) throw new Error('a block that is torn');
    const isPadded = type <= types.headers && (flags & PADDED) !== 0;
    if (isPadded || (type === types.headers && (flags & PRIORITY) !== 0))
      throw new Error('a frame with padding');
    if (type !== types.headers && open === undefined) return [frame];
    if (open !== undefined && open.stream !== stream) throw new Error('a block of two streams');
    const whole = open === undefined ? frame : { ...open, payload: Buffer.concat([open.payload, payload]) };
    if (whole.payload.length > MAX_BLOCK) throw new Error('a field block without end');
    if ((flags & END_HEADERS) === 0) {
      this.#open = whole;
      return [];
    }
    this.#open = undefined;
    const fields = this.#blocks.fields(whole.payload);
    if (fields === undefined) throw new Error('a field block that cannot be decoded');
    return [{ ...whole, fields: fields.map(({ name, value }): Field => [name, value]) }];
  }
}
