import { Buffer } from 'node:buffer';
import type { ClientSocket } from '../client-socket.ts';

/** Bytes before the payload (RFC 9113 §4.1). */
const HEADER_BYTES = 9;
/** Bytes of the first part of what one turn writes; usual responses of ten streams fit. */
const PART_BYTES = 16 * 1024;
/** Bytes of each further part: as much as is written at once. */
const LARGE_PART_BYTES = 66 * 1024;
/** Bytes up to which a string is cheaper to write than a buffer: the system gets it without an object that waits. */
const STRING_BYTES = 8 * 1024;
/** Bytes that are written before the turn is over, so that the socket can say that the client is slow. */
const FLUSH_BYTES = 64 * 1024;
/** Parts that are kept for the next turn of any connection: half a MiB. */
const MAX_SPARE = 32;

const spare: Buffer[] = [];

/** Gathers the frames of one connection, so that one turn of the event loop makes one write of them. */
export class Output {
  /** The client does not keep up, and nothing more is due until `onDrained`. */
  isBlocked = false;
  readonly #socket: ClientSocket;
  /** The part that is filled. */
  #part: Buffer | undefined;
  #used = 0;
  /** The parts before it, whole. */
  #full: Uint8Array[] = [];
  #bytes = 0;
  #flushing: NodeJS.Immediate | undefined;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  /** Bytes that the system has not taken yet. */
  get waiting(): number {
    return this.#bytes + this.#socket.unsent;
  }

  /** Adds a frame with [from, to) of `payload`, which is copied. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const part = this.#frameHeader(type, flags, stream, length);
    if (length > 0)
      part.set(from === 0 && to === payload.length ? payload : payload.subarray(from, to), this.#used);
    this.#used += length;
    this.#added(length);
  }

  /** Adds a frame whose payload is `first` and `second`, which are copied. */
  joinedFrame(type: number, flags: number, stream: number, first: Uint8Array, second: Uint8Array): void {
    const length = first.length + second.length;
    const part = this.#frameHeader(type, flags, stream, length);
    part.set(first, this.#used);
    part.set(second, this.#used + first.length);
    this.#used += length;
    this.#added(length);
  }

  /** Adds a frame whose payload is one number of 32 bits. */
  numberFrame(type: number, stream: number, value: number): void {
    const part = this.#frameHeader(type, 0, stream, 4);
    part.writeUInt32BE(value, this.#used);
    this.#used += 4;
    this.#added(4);
  }

  /** Writes all frames now. */
  flush(): void {
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    const part = this.#part as Buffer;
    const full = this.#full;
    this.#part = undefined;
    if (full.length === 0 && this.#used <= STRING_BYTES) {
      const text = part.toString('latin1', 0, this.#used);
      if (spare.length < MAX_SPARE) spare.push(part);
      this.isBlocked = !this.#socket.writeLatin1(text);
      return;
    }
    this.#full = [];
    for (const one of full) this.#socket.write(one);
    this.isBlocked = !this.#socket.write(part.subarray(0, this.#used));
  }

  onDrained(): void {
    this.isBlocked = false;
  }

  /** Forgets what was not written. */
  stop(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#part = undefined;
    this.#full = [];
    this.#bytes = 0;
  }

  /** Writes the header of a frame, and returns the part that has room for its payload. */
  #frameHeader(type: number, flags: number, stream: number, length: number): Buffer {
    const part = this.#partFor(HEADER_BYTES + length);
    let at = this.#used;
    part[at] = length >>> 16;
    part[at + 1] = length >>> 8;
    part[at + 2] = length;
    part[at + 3] = type;
    part[at + 4] = flags;
    at += 5;
    part[at] = stream >>> 24;
    part[at + 1] = stream >>> 16;
    part[at + 2] = stream >>> 8;
    part[at + 3] = stream;
    this.#used += HEADER_BYTES;
    return part;
  }

  #partFor(bytes: number): Buffer {
    const part = this.#part;
    if (part !== undefined && part.length - this.#used >= bytes) return part;
    if (part !== undefined) this.#full.push(part.subarray(0, this.#used));
    this.#used = 0;
    const next =
      part === undefined && bytes <= PART_BYTES
        ? (spare.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES))
        : Buffer.allocUnsafeSlow(LARGE_PART_BYTES);
    this.#part = next;
    return next;
  }

  #added(length: number): void {
    this.#bytes += HEADER_BYTES + length;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
    else this.#flushing ??= setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#flushing = undefined;
    this.flush();
  };
}
