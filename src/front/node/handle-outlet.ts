import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { HandleWrites, WriteHandle, WriteOwner } from './handle-writes.ts';
import { UNDER_WAY } from './handle-writes.ts';
import type { Outlet, OutletOwner } from './outlet.ts';
import type { WriteCopies } from './write-copies.ts';

/** Bytes that may wait while a client still counts as one that keeps up: as many as a stream of Node.js 22 lets wait. */
const HIGH_WATER = 64 * 1024;

const nothing: readonly Uint8Array[] = [];

/**
 * Writes to the handle of a socket, past the stream of Node.js, which costs a tenth of a whole request.
 *
 * A handle without TLS sends a write at once, or keeps a reference to the rest. A handle with TLS encrypts or copies all
 * bytes at once, and reports the end in a later turn. A second write before that ends the process. So this class never has
 * two writes under way, and the stream of the socket must get none at all.
 */
export class HandleOutlet implements Outlet, WriteOwner {
  readonly #socket: Socket;
  readonly #handle: WriteHandle;
  readonly #isTls: boolean;
  readonly #copies: WriteCopies;
  readonly #writes: HandleWrites;
  readonly #owner: OutletOwner;
  /** Bytes of the write that is under way; 0 without one. */
  #writing = 0;
  /** What follows it. */
  #behind: Uint8Array[] = [];
  #behindBytes = 0;
  /** `onDrained` is due. */
  #isFull = false;
  #ending = false;

  private constructor(
    socket: Socket,
    handle: WriteHandle,
    isTls: boolean,
    copies: WriteCopies,
    writes: HandleWrites,
    owner: OutletOwner,
  ) {
    this.#socket = socket;
    this.#handle = handle;
    this.#isTls = isTls;
    this.#copies = copies;
    this.#writes = writes;
    this.#owner = owner;
  }

  /** Undefined when the socket is gone, or its handle is of another kind. */
  static of(
    socket: Socket,
    isTls: boolean,
    copies: WriteCopies,
    writes: HandleWrites,
    owner: OutletOwner,
  ): HandleOutlet | undefined {
    const handle = (socket as unknown as { _handle?: Partial<WriteHandle> | null })._handle;
    if (typeof handle?.writeBuffer !== 'function' || typeof handle.writev !== 'function') return undefined;
    if (typeof handle.writeQueueSize !== 'number' || socket.writableLength > 0) return undefined;
    return new HandleOutlet(socket, handle as WriteHandle, isTls, copies, writes, owner);
  }

  get unsent(): number {
    if (this.#writing === 0 || this.#socket.destroyed) return this.#behindBytes;
    const below = this.#handle._parent?.writeQueueSize ?? 0;
    return this.#behindBytes + (below > 0 ? below : this.#handle.writeQueueSize);
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    const copies = this.#copies;
    let size = 0;
    for (const piece of pieces) size += piece.length;
    if (this.#writing > 0) return this.#add(copies.take(text, pieces, size, behind));
    const small = copies.join(text, pieces, size, behind);
    if (small !== undefined) {
      if (!this.#send(small) && !this.#isTls) copies.giveAway();
      return true;
    }
    const copy = copies.take(text, pieces, size, behind);
    const isOver = this.#send(copy);
    if (isOver || this.#isTls) copies.giveBack(copy);
    return isOver || this.#keepsUp();
  }

  write(data: Uint8Array): boolean {
    if (this.#writing > 0) return this.#add(data);
    return this.#send(data) || this.#keepsUp();
  }

  writeLatin1(text: string): boolean {
    return this.writeMessage(text, nothing, '');
  }

  end(): void {
    if (this.#writing > 0) this.#ending = true;
    else this.#socket.end();
  }

  onWritten(status: number): void {
    this.#writing = 0;
    if (status < 0) {
      this.#behind = [];
      this.#behindBytes = 0;
      this.#socket.destroy();
      return;
    }
    if (this.#behindBytes > 0 && !this.#sendBehind()) return;
    if (this.#ending) this.#socket.end();
    else if (this.#isFull) {
      this.#isFull = false;
      this.#owner.onDrained();
    }
  }

  /** Writes while no other write is under way. @returns whether it is over, so that `bytes` may be used again. */
  #send(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (length === 0) return true;
    this.#writing = length;
    return this.#isOver(this.#writes.writeBuffer(this.#handle, bytes, this, this.#isTls ? undefined : bytes));
  }

  #sendBehind(): boolean {
    const pieces = this.#behind;
    const bytes = this.#behindBytes;
    this.#behind = [];
    this.#behindBytes = 0;
    if (pieces.length === 1 || this.#isTls) {
      return this.#send(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, bytes));
    }
    this.#writing = bytes;
    return this.#isOver(this.#writes.writev(this.#handle, pieces, this, pieces));
  }

  /** @param result of the write that has just returned. */
  #isOver(result: number): boolean {
    if (result === 0) {
      this.#writing = 0;
      return true;
    }
    if (result !== UNDER_WAY) this.onWritten(result);
    // Also when the write has failed and was reported inside the call.
    return this.#writing === 0;
  }

  #add(data: Uint8Array): boolean {
    this.#behind.push(data);
    this.#behindBytes += data.length;
    return this.#keepsUp();
  }

  #keepsUp(): boolean {
    if (this.#writing + this.#behindBytes < HIGH_WATER) return true;
    this.#isFull = true;
    return false;
  }
}
