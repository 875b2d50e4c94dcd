import { Buffer } from 'node:buffer';
import { ConnectionFault, DATA, FRAME_BYTES, FRAME_SIZE_ERROR, PADDED, PROTOCOL_ERROR } from './codes.ts';

/** Bytes before the payload (RFC 9113 §4.1). */
const HEADER_BYTES = 9;

const NONE = 0;
const PAD_LENGTH = 1;
const CONTENT = 2;
const PADDING = 3;

const noBytes = Buffer.alloc(0);

/** Takes the frames of a client. Each method may throw `ConnectionFault`. */
export interface FrameSink {
  /** A whole frame of any type but DATA. Its payload is [from, to) of `bytes`, valid during the call. */
  onFrame(type: number, flags: number, stream: number, bytes: Buffer, from: number, to: number): void;
  /** A DATA frame begins. @param length bytes of the payload with its padding, all of which count for flow control. */
  onDataFrame(flags: number, stream: number, length: number): void;
  /** The next data of that frame, [from, to) of `bytes`, valid during the call; `last`: the frame is whole. */
  onData(bytes: Buffer, from: number, to: number, last: boolean): void;
}

/**
 * Cuts the bytes of a client into frames. Bytes come in pieces of any size, as views of a shared buffer: data goes on
 * piece by piece, and any other frame that is not whole yet is copied, 16 KiB at most.
 */
export class FrameReader {
  /** Frames that have begun. */
  frames = 0;
  readonly #sink: FrameSink;
  #stopped = false;
  /** The header of a frame that came in pieces. */
  #header: Buffer | undefined;
  #headerBytes = 0;
  /** The payload of a frame that came in pieces, once the header is whole. */
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  #length = 0;
  /** What comes next of a DATA frame. */
  #part = NONE;
  /** Bytes left of it. */
  #content = 0;
  #padding = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Some bytes of a frame have come, and the sink has heard nothing of the frame. */
  get holdsPart(): boolean {
    return this.#headerBytes > 0;
  }

  /** Reads no further. */
  stop(): void {
    this.#stopped = true;
    this.#payload = undefined;
  }

  /** @throws ConnectionFault */
  read(bytes: Buffer, from: number): void {
    let at = from;
    while (at < bytes.length && !this.#stopped) {
      if (this.#part !== NONE) at = this.#readData(bytes, at);
      else if (this.#headerBytes > 0 || bytes.length - at < HEADER_BYTES) at = this.#collect(bytes, at);
      else {
        this.#readHeader(bytes, at);
        at += HEADER_BYTES;
        if (this.#type === DATA) this.#beginData();
        else if (bytes.length - at >= this.#length) {
          this.#sink.onFrame(this.#type, this.#flags, this.#stream, bytes, at, at + this.#length);
          at += this.#length;
        } else this.#expectPayload();
      }
    }
  }

  #readHeader(bytes: Buffer, at: number): void {
    this.frames += 1;
    this.#length = bytes.readUIntBE(at, 3);
    this.#type = bytes[at + 3] as number;
    this.#flags = bytes[at + 4] as number;
    // The highest bit is reserved, and ignored (RFC 9113 §4.1).
    this.#stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (this.#length > FRAME_BYTES) throw new ConnectionFault(FRAME_SIZE_ERROR);
  }

  /** Copies the next bytes of a frame that comes in pieces, and returns the offset behind them. */
  #collect(bytes: Buffer, at: number): number {
    const payload = this.#payload;
    if (payload === undefined) {
      this.#header ??= Buffer.allocUnsafeSlow(HEADER_BYTES);
      const copied = bytes.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
      this.#headerBytes += copied;
      if (this.#headerBytes === HEADER_BYTES) this.#onHeader(this.#header);
      return at + copied;
    }
    const copied = bytes.copy(payload, this.#payloadBytes, at, at + this.#length - this.#payloadBytes);
    this.#payloadBytes += copied;
    if (this.#payloadBytes === this.#length) this.#onCollected(payload);
    return at + copied;
  }

  #onHeader(header: Buffer): void {
    this.#readHeader(header, 0);
    if (this.#type === DATA) {
      this.#headerBytes = 0;
      this.#beginData();
    } else if (this.#length === 0) this.#onCollected(header.subarray(0, 0));
    else this.#expectPayload();
  }

  #expectPayload(): void {
    this.#headerBytes = HEADER_BYTES;
    this.#payload = Buffer.allocUnsafe(this.#length);
    this.#payloadBytes = 0;
  }

  #onCollected(payload: Buffer): void {
    this.#headerBytes = 0;
    this.#payload = undefined;
    this.#sink.onFrame(this.#type, this.#flags, this.#stream, payload, 0, this.#length);
  }

  #beginData(): void {
    const isPadded = (this.#flags & PADDED) !== 0;
    if (isPadded && this.#length === 0) throw new ConnectionFault(FRAME_SIZE_ERROR);
    this.#sink.onDataFrame(this.#flags, this.#stream, this.#length);
    if (isPadded) this.#part = PAD_LENGTH;
    else this.#beginContent(this.#length, 0);
  }

  #beginContent(content: number, padding: number): void {
    this.#content = content;
    this.#padding = padding;
    if (content > 0) this.#part = CONTENT;
    else this.#endContent();
  }

  /** A frame without content, or with padding, ends behind the last byte of all. */
  #endContent(): void {
    this.#part = this.#padding > 0 ? PADDING : NONE;
    if (this.#padding === 0) this.#sink.onData(noBytes, 0, 0, true);
  }

  /** Reads on in a DATA frame, and returns the offset behind what it used. */
  #readData(bytes: Buffer, at: number): number {
    if (this.#part === PAD_LENGTH) {
      const padding = bytes[at] as number;
      // All of the payload would be padding, and more (RFC 9113 §6.1).
      if (padding > this.#length - 1) throw new ConnectionFault(PROTOCOL_ERROR);
      this.#beginContent(this.#length - 1 - padding, padding);
      return at + 1;
    }
    if (this.#part === CONTENT) {
      const to = Math.min(at + this.#content, bytes.length);
      this.#content -= to - at;
      const last = this.#content === 0 && this.#padding === 0;
      if (last) this.#part = NONE;
      this.#sink.onData(bytes, at, to, last);
      if (this.#content === 0 && !last) this.#part = PADDING;
      return to;
    }
    const to = Math.min(at + this.#padding, bytes.length);
    this.#padding -= to - at;
    if (this.#padding === 0) this.#endContent();
    return to;
  }
}
