import { Buffer } from 'node:buffer';
import type { TunnelEvents, TunnelSide } from '../../http/tunnel-side.ts';
import type { ResponseSink, UpgradedHead } from '../response-sink.ts';
import type { ServerState } from '../server-state.ts';
import type { ByteSocket } from './byte-socket.ts';

/** Milliseconds in which a server must take what was written when its side of a tunnel ends. */
const CLOSE_MS = 5_000;

/** The upstream side of a tunnel: a connection whose server has agreed to another protocol. */
export class UpstreamTunnel implements TunnelSide {
  readonly #socket: ByteSocket;
  readonly #server: ServerState;
  /** What came behind the head, and whatever comes while it is paused. */
  #held: Buffer | undefined;
  #events: TunnelEvents | undefined;
  #paused = true;
  /** The server has ended its side before `start` or while bytes are held. */
  #ended = false;
  #over = false;

  /** @param first a view of what came behind the head. */
  constructor(socket: ByteSocket, first: Buffer, server: ServerState) {
    this.#socket = socket;
    this.#server = server;
    if (first.length > 0) this.#held = Buffer.from(first);
    server.tunnels += 1;
  }

  /** The socket may go on to read. */
  get wantsMore(): boolean {
    return !this.#paused;
  }

  /** Gives it to the sink of the request; without one it ends. */
  offer(head: UpgradedHead, sink: ResponseSink | undefined): void {
    if (sink?.onUpgraded === undefined) this.destroy();
    else sink.onUpgraded(head, this);
  }

  start(events: TunnelEvents): void {
    this.#events = events;
    if (this.#over) events.onClosed();
    else this.resume();
  }

  /** Takes what was read. Returns whether more may be read. */
  take(bytes: Buffer): boolean {
    if (this.#paused)
      this.#held = this.#held === undefined ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    else this.#events?.onBytes(bytes);
    return !this.#paused;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#over || socket.writeFailed) return true;
    const taken = socket.writeNow(bytes);
    if (taken === bytes.length) return true;
    // `drain` follows only where the stream has said no: it takes some bytes more than the system.
    return socket.write(Buffer.from(bytes.subarray(taken)));
  }

  end(): void {
    if (!this.#over) this.#socket.end();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#events?.onBytes(held);
    if (this.#paused || this.#over) return;
    if (this.#ended) this.#events?.onEnd();
    else this.#socket.resume();
  }

  close(): void {
    if (this.#over) return;
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
    this.#events?.onDrained();
  }

  onEnd(): void {
    if (this.#events === undefined || (this.#paused && this.#held !== undefined)) this.#ended = true;
    else this.#events?.onEnd();
  }

  onClosed(): void {
    const events = this.#events;
    this.#leave();
    events?.onClosed();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events = undefined;
    this.#held = undefined;
    this.#server.tunnels -= 1;
  }
}
