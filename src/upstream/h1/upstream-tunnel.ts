import { Buffer } from 'node:buffer';
import { TunnelInlet } from '../../http/tunnel-inlet.ts';
import type { TunnelEvents, TunnelSide } from '../../http/tunnel-side.ts';
import type { ResponseSink, UpgradedHead } from '../response-sink.ts';
import type { ServerState } from '../server-state.ts';
import type { ByteSocket } from './byte-socket.ts';

/** Milliseconds in which a server must take what was written when its side of a tunnel ends. */
const CLOSE_MS = 5_000;

/** The upstream side of a tunnel: a connection whose server has agreed to another protocol. */
export class UpstreamTunnel implements TunnelSide {
  readonly #inlet: TunnelInlet;
  readonly #socket: ByteSocket;
  readonly #server: ServerState;

  /** @param first a view of what came behind the head. */
  constructor(socket: ByteSocket, first: Buffer, server: ServerState) {
    this.#socket = socket;
    this.#server = server;
    this.#inlet = new TunnelInlet(socket, first.length > 0 ? Buffer.from(first) : undefined, false);
    // The client may have more to send when the server has ended its side.
    socket.allowHalfOpen = true;
    server.tunnels += 1;
  }

  /** The socket may go on to read. */
  get wantsMore(): boolean {
    return !this.#inlet.paused;
  }

  /** Gives it to the sink of the request; without one it ends. */
  offer(head: UpgradedHead, sink: ResponseSink | undefined): void {
    if (sink?.onUpgraded === undefined) this.destroy();
    else sink.onUpgraded(head, this);
  }

  start(events: TunnelEvents): void {
    this.#inlet.start(events);
  }

  /** Takes what was read. Returns whether more may be read. */
  take(bytes: Buffer): boolean {
    this.#inlet.take(bytes);
    return this.wantsMore;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#inlet.over || socket.writeFailed) return true;
    const taken = socket.writeNow(bytes);
    if (taken === bytes.length) return true;
    // `drain` follows only where the stream has said no: it takes some bytes more than the system.
    return socket.write(Buffer.from(bytes.subarray(taken)));
  }

  end(): void {
    if (!this.#inlet.over) this.#socket.end();
  }

  pause(): void {
    this.#inlet.pause();
  }

  resume(): void {
    this.#inlet.resume();
  }

  close(): void {
    if (this.#inlet.over) return;
    if (this.#socket.writableLength === 0) {
      this.destroy();
      return;
    }
    this.#leave();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref();
  }

  destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  onDrained(): void {
    this.#inlet.events?.onDrained();
  }

  onEnd(): void {
    if (this.#socket.wasReset) this.onClosed();
    else this.#inlet.onEnd();
  }

  onClosed(): void {
    this.#uncount();
    this.#inlet.onClosed();
  }

  #leave(): void {
    this.#uncount();
    this.#inlet.end();
  }

  #uncount(): void {
    if (!this.#inlet.over) this.#server.tunnels -= 1;
  }
}
