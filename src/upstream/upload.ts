import type { Budget } from '../lib/budget.ts';
import type { Connection } from './connection.ts';

/**
 * Request body held back in JavaScript before the client is asked to pause, in bytes. Most bodies are smaller and
 * never cost the two system calls of a pause.
 */
const PAUSE_ABOVE_BYTES = 64 * 1024;

/**
 * One request body on its way upstream. It is framed anew from what the listener delivered, never as the client
 * framed it. What upstream cannot take yet is held, against a budget which all bodies share.
 */
export class Upload {
  private readonly chunked: boolean;
  private readonly budget: Budget;
  private connection: Connection | undefined;
  private free = false;
  private last = false;
  private ended = false;
  private queue: Uint8Array[] = [];
  private heldBytes = 0;
  /** Bytes the socket keeps until upstream takes them. */
  private inSocket = 0;

  constructor(chunked: boolean, budget: Budget) {
    this.chunked = chunked;
    this.budget = budget;
  }

  /** The client should send nothing more for now. */
  get full(): boolean {
    return this.heldBytes > PAUSE_ABOVE_BYTES;
  }

  /** Bytes held back now. */
  get held(): number {
    return this.heldBytes;
  }

  /** Nothing more of it comes from the client. */
  get whole(): boolean {
    return this.last;
  }

  /** Everything so far is on its way. */
  get flowing(): boolean {
    return this.free && this.heldBytes === 0;
  }

  /** Takes a view of the next bytes. Returns false when the budget is used up. */
  push(chunk: Uint8Array, last: boolean): boolean {
    this.last = last;
    if (chunk.length > 0) {
      const bytes = this.frame(chunk);
      if (this.flowing) {
        if (!this.send(bytes)) return false;
      } else if (this.budget.take(bytes.length)) {
        this.queue.push(bytes);
        this.heldBytes += bytes.length;
      } else return false;
    }
    this.endIfDone();
    return true;
  }

  attach(connection: Connection): void {
    this.connection = connection;
    this.resume();
  }

  /** The connection takes bytes (again). */
  resume(): void {
    this.free = true;
    this.budget.giveBack(this.inSocket);
    this.inSocket = 0;
    while (this.free && this.queue.length > 0) {
      const bytes = this.queue.shift() as Uint8Array;
      this.heldBytes -= bytes.length;
      this.budget.giveBack(bytes.length);
      this.send(bytes);
    }
    this.endIfDone();
  }

  /** The exchange is over: what is held is not wanted any more. */
  drop(): void {
    this.budget.giveBack(this.heldBytes + this.inSocket);
    this.inSocket = 0;
    this.queue = [];
    this.heldBytes = 0;
    this.free = false;
    this.ended = true;
  }

  /** Returns false when the socket had to keep the bytes and the budget has no room for them. */
  private send(bytes: Uint8Array): boolean {
    this.free = this.connection?.upload(bytes) ?? false;
    if (this.free) return true;
    if (!this.budget.take(bytes.length)) return false;
    this.inSocket += bytes.length;
    return true;
  }

  /** A copy: the engine's view dies with the call. */
  private frame(chunk: Uint8Array): Uint8Array {
    if (!this.chunked) return new Uint8Array(chunk);
    const size = `${chunk.length.toString(16)}\r\n`;
    const bytes = Buffer.allocUnsafe(size.length + chunk.length + 2);
    bytes.write(size, 0, 'latin1');
    bytes.set(chunk, size.length);
    bytes.write('\r\n', size.length + chunk.length, 'latin1');
    return bytes;
  }

  private endIfDone(): void {
    if (!this.last || this.ended || this.heldBytes > 0 || this.connection === undefined) return;
    this.ended = true;
    if (this.chunked) this.connection.upload('0\r\n\r\n');
    this.connection.endUpload();
  }
}
