import { MASK_BYTES } from './close-frame.ts';

/** Bytes of a header at least: flags with the opcode, and the length with the mask bit (RFC 6455 §5.2). */
const LEAST_HEADER = 2;
const CLOSE = 8;

/** Follows the frames of one direction of a WebSocket, to know where one ends. It skips payloads unread. */
export class FrameTracker {
  /** A Close frame has begun; nothing may follow it (RFC 6455 §5.5.1). */
  closes = false;
  /** Bytes of the present header that have come, and that it has. */
  #come = 0;
  #header = LEAST_HEADER;
  /** Bytes of the extended length: 0, 2 or 8. */
  #lengthBytes = 0;
  #payload = 0;
  #inPayload = false;

  /** The next byte begins a frame. */
  get atBoundary(): boolean {
    return this.#come === 0 && !this.#inPayload;
  }

  /** Takes the bytes from `from` on, up to the end of the present frame. Returns the offset behind the last one taken. */
  take(bytes: Uint8Array, from: number): number {
    let at = from;
    while (!this.#inPayload && at < bytes.length) {
      this.#takeHeaderByte(bytes[at] as number);
      at += 1;
      if (this.#inPayload && this.#payload === 0) return this.#end(at);
    }
    if (!this.#inPayload) return at;
    const taken = Math.min(this.#payload, bytes.length - at);
    this.#payload -= taken;
    at += taken;
    return this.#payload === 0 ? this.#end(at) : at;
  }

  /** Takes all of the bytes. */
  pass(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.take(bytes, at);
  }

  #takeHeaderByte(byte: number): void {
    const place = this.#come;
    this.#come += 1;
    if (place === 0) {
      if ((byte & 0x0f) === CLOSE) this.closes = true;
      this.#payload = 0;
    } else if (place === 1) {
      const length = byte & 0x7f;
      this.#lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
      if (this.#lengthBytes === 0) this.#payload = length;
      this.#header = LEAST_HEADER + this.#lengthBytes + (byte >= 0x80 ? MASK_BYTES : 0);
    } else if (place < LEAST_HEADER + this.#lengthBytes) this.#payload = this.#payload * 256 + byte;
    if (this.#come === this.#header) this.#inPayload = true;
  }

  #end(at: number): number {
    this.#come = 0;
    this.#header = LEAST_HEADER;
    this.#inPayload = false;
    return at;
  }
}
