import type { Buffer } from 'node:buffer';
import { TunnelInlet } from '../../../http/tunnel-inlet.ts';
import type { TunnelEvents, TunnelSide } from '../../../http/tunnel-side.ts';
import type { ClientSocket } from '../client-socket.ts';

/**
 * The client's side of a tunnel: a connection on which a 101 was sent. It keeps as much as a connection holds of early
 * requests, and one read.
 */
export class H1Tunnel implements TunnelSide {
  readonly inlet: TunnelInlet;
  readonly #socket: ClientSocket;

  /** @param held what came behind the request. @param ended the client sends nothing more. */
  constructor(socket: ClientSocket, held: Buffer | undefined, ended: boolean) {
    this.#socket = socket;
    this.inlet = new TunnelInlet(socket, held, ended);
  }

  start(events: TunnelEvents): void {
    this.inlet.start(events);
  }

  write(bytes: Uint8Array): boolean {
    return this.inlet.over || this.#socket.writeMessage('', [bytes], '');
  }

  end(): void {
    if (!this.inlet.over) this.#socket.endWriting();
  }

  pause(): void {
    this.inlet.pause();
  }

  resume(): void {
    this.inlet.resume();
  }

  close(): void {
    if (this.inlet.over) return;
    this.inlet.end();
    this.#socket.close();
  }

  destroy(): void {
    if (this.inlet.over) return;
    this.inlet.end();
    this.#socket.destroy();
  }

  onDrained(): void {
    this.inlet.events?.onDrained();
  }
}
