import { Buffer } from 'node:buffer';
import type { TunnelEvents, TunnelSide } from '../../../http/tunnel-side.ts';
import type { ClientSocket } from '../client-socket.ts';

const nothing = '';

/** The client's side of a tunnel: a connection on which a 101 was sent. */
export class H1Tunnel implements TunnelSide {
  readonly #socket: ClientSocket;
  /** What came before `start` and while it is paused: as much as a connection holds of early requests, and one read. */
  #held: Buffer | undefined;
  #events: TunnelEvents | undefined;
  #paused = true;
  #ended: boolean;
  #over = false;

  /** @param held what came behind the request. @param ended the client sends nothing more. */
  constructor(socket: ClientSocket, held: Buffer | undefined, ended: boolean) {
    this.#socket = socket;
    this.#held = held;
    this.#ended = ended;
  }

  start(events: TunnelEvents): void {
    this.#events = events;
    if (this.#over) events.onClosed();
    else this.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.#over || this.#socket.writeMessage(nothing, [bytes], nothing);
  }

  end(): void {
    if (!this.#over) this.#socket.endWriting();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#over) return;
    this.#paused = false;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#events?.onBytes(held);
    if (this.#paused || this.#over) return;
    this.#socket.resume();
    if (!this.#ended) return;
    this.#ended = false;
    this.#events?.onEnd();
  }

  close(): void {
    if (this.#over) return;
    this.#leave();
    this.#socket.close();
  }

  destroy(): void {
    if (this.#over) return;
    this.#leave();
    this.#socket.destroy();
  }

  /** @param bytes a view that is valid during the call. */
  onBytes(bytes: Buffer): void {
    if (this.#over) return;
    if (!this.#paused) this.#events?.onBytes(bytes);
    else this.#held = this.#held === undefined ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
  }

  onDrained(): void {
    this.#events?.onDrained();
  }

  onEnd(): void {
    if (this.#events === undefined || (this.#paused && this.#held !== undefined)) this.#ended = true;
    else this.#events.onEnd();
  }

  onClosed(): void {
    const events = this.#events;
    this.#leave();
    events?.onClosed();
  }

  #leave(): void {
    this.#over = true;
    this.#events = undefined;
    this.#held = undefined;
  }
}
