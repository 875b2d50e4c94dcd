import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Outlet, OutletOwner } from './outlet.ts';
import type { WriteCopies } from './write-copies.ts';

/** Bytes up to which a write leaves as one text; above it a copy as bytes is cheaper. */
const JOIN_BYTES = 8 * 1024;

/** Writes by the stream of Node.js, as every program may. */
export class StreamOutlet implements Outlet {
  readonly #socket: Socket;
  readonly #copies: WriteCopies;

  constructor(socket: Socket, copies: WriteCopies, owner: OutletOwner) {
    this.#socket = socket;
    this.#copies = copies;
    socket.on('drain', () => owner.onDrained());
  }

  get unsent(): number {
    const socket = this.#socket as unknown as { _handle?: { writeQueueSize?: number } | null };
    // What the stream holds, and what of its current write the system has not taken.
    const writing = socket._handle?.writeQueueSize ?? 0;
    return Math.max(this.#socket.writableLength, writing);
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    const socket = this.#socket;
    let size = 0;
    for (const piece of pieces) size += piece.length;
    if (size <= JOIN_BYTES) {
      let joined = text;
      for (const piece of pieces) joined += latin1Of(piece);
      socket.write(joined + behind, 'latin1');
    } else {
      const copy = this.#copies.take(text, pieces, size, behind);
      socket.write(copy);
      if (socket.writableLength === 0) this.#copies.giveBack(copy);
    }
    return this.#isTaken();
  }

  write(data: Uint8Array): boolean {
    this.#socket.write(data);
    return this.#isTaken();
  }

  writeLatin1(text: string): boolean {
    this.#socket.write(text, 'latin1');
    return this.#isTaken();
  }

  end(): void {
    this.#socket.end();
  }

  /** `drain` may still come although nothing waits. */
  #isTaken(): boolean {
    const socket = this.#socket;
    return socket.writableLength === 0 || !socket.writableNeedDrain;
  }
}

/** The bytes of a piece as text, one character each. */
function latin1Of(piece: Uint8Array): string {
  const bytes = piece instanceof Buffer ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  return bytes.toString('latin1');
}
