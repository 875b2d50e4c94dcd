import { Buffer } from 'node:buffer';
import type { TunnelEvents } from './tunnel-side.ts';

/** The part of a socket that an inlet stops and starts. */
interface Source {
  pause(): void;
  resume(): void;
}

/** The reading half of a side of a tunnel. It keeps what comes before `start`, and what still comes while it is paused. */
export class TunnelInlet {
  readonly #source: Source;
  /** Undefined, or room for what is held, of which the first `#heldBytes` are. */
  #held: Buffer | undefined;
  #heldBytes: number;
  #events: TunnelEvents | undefined;
  #paused = true;
  /** The peer has ended its side, and the receiver does not know yet. */
  #ended: boolean;
  #over = false;

  /** @param held what has come already. @param ended the peer sends nothing more. */
  constructor(source: Source, held: Buffer | undefined, ended: boolean) {
    this.#source = source;
    this.#held = held;
    this.#heldBytes = held?.length ?? 0;
    this.#ended = ended;
  }

  /** Undefined before `start` and after the end. */
  get events(): TunnelEvents | undefined {
    return this.#events;
  }

  /** Nothing more comes. */
  get over(): boolean {
    return this.#over;
  }

  get paused(): boolean {
    return this.#paused;
  }

  start(events: TunnelEvents): void {
    if (this.#over) {
      events.onClosed();
      return;
    }
    this.#events = events;
    this.resume();
  }

  pause(): void {
    this.#paused = true;
    this.#source.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#paused = false;
    const held = this.#held?.subarray(0, this.#heldBytes);
    this.#held = undefined;
    if (held !== undefined) this.#events?.onBytes(held);
    if (this.#isHalted()) return;
    this.#source.resume();
    if (!this.#ended) return;
    this.#ended = false;
    this.#events?.onEnd();
  }

  /** @param bytes a view that is valid during the call. */
  take(bytes: Buffer): void {
    if (this.#over) return;
    if (!this.#paused) this.#events?.onBytes(bytes);
    else this.#hold(bytes);
  }

  /** The peer sends nothing more. */
  onEnd(): void {
    if (this.#events === undefined || (this.#paused && this.#held !== undefined)) this.#ended = true;
    else this.#events.onEnd();
  }

  /** The connection is gone. Its receiver is told unless it has ended the connection itself. */
  onClosed(): void {
    const events = this.#events;
    this.end();
    events?.onClosed();
  }

  /** The receiver wants nothing more. */
  end(): void {
    this.#over = true;
    this.#events = undefined;
    this.#held = undefined;
  }

  /** Twice the room whenever it is full: a peer may send many small pieces. */
  #hold(bytes: Buffer): void {
    const at = this.#held === undefined ? 0 : this.#heldBytes;
    const size = at + bytes.length;
    if (this.#held === undefined || this.#held.length < size) {
      const room = Buffer.allocUnsafeSlow(Math.max(size, 2 * at));
      this.#held?.copy(room, 0, 0, at);
      this.#held = room;
    }
    bytes.copy(this.#held, at);
    this.#heldBytes = size;
  }

  /** The receiver may have paused it, or ended it. */
  #isHalted(): boolean {
    return this.#paused || this.#over;
  }
}
