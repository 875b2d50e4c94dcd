import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { hostPort } from '../../http/host-port.ts';
import type { TlsFacts } from '../front.ts';
import type { ClientSocket, Protocol } from './client-socket.ts';
import { HandleOutlet } from './handle-outlet.ts';
import type { HandleWrites } from './handle-writes.ts';
import type { Outlet, OutletOwner } from './outlet.ts';
import type { ProxiedEnds } from './proxy-header.ts';
import type { SharedRead } from './shared-read.ts';
import { StreamOutlet } from './stream-outlet.ts';
import type { WriteCopies } from './write-copies.ts';

/**
 * Milliseconds without a byte, behind the last one sent, after which the client is believed to have its response: longer
 * than a retransmission or two (RFC 6298 §2).
 */
const QUIET_MS = 2_000;
/** Milliseconds altogether, for a client that sends on and on. */
const LINGER_MS = 30_000;
/** Bytes altogether. None is kept, but reading costs. As much as a client of a fast network sends before it reads. */
const LINGER_BYTES = 256 * 1024 * 1024;

/** What a socket reports to its listener. */
export interface SocketOwner {
  /** How long a client may take nothing of what it was sent, in milliseconds. */
  readonly sendMs: number;
  /** Of all sockets. */
  readonly copies: WriteCopies;
  /** Undefined where only the stream of Node.js writes. */
  readonly handleWrites: HandleWrites | undefined;
  onClosed(socket: NodeSocket): void;
  /** A fault of ours; the connection has been cut. */
  onFault(error: unknown): void;
}

/** One accepted connection: reads into the shared buffer, writes, and ends without losing the last response. */
export class NodeSocket implements ClientSocket, OutletOwner {
  readonly scheme: 'http' | 'https';
  redirects = false;
  readonly #socket: Socket;
  readonly #owner: SocketOwner;
  readonly #ends: ProxiedEnds | undefined;
  readonly #outlet: Outlet;
  #protocol: Protocol | undefined;
  #peer: string | undefined;
  #tls: TlsFacts | undefined;
  /** Our side has ended; what comes is dropped. */
  #ended = false;
  /** Monotonic milliseconds at which our side ended or the client last took something; -1 before. */
  #endedAt = -1;
  /** Monotonic milliseconds of the last byte in either direction behind the end; -1 before. */
  #quietSince = -1;
  #unsentThen = 0;
  #dropped = 0;
  /** Bytes dropped up to the last review. */
  #droppedThen = 0;
  #paused = false;
  /** The client has ended its side. */
  #halfClosed = false;

  /** @param ends where they are not those of the socket. */
  constructor(socket: Socket, scheme: 'http' | 'https', owner: SocketOwner, ends?: ProxiedEnds) {
    this.#socket = socket;
    this.scheme = scheme;
    this.#ends = ends;
    this.#owner = owner;
    const { copies, handleWrites } = owner;
    this.#outlet =
      (handleWrites && HandleOutlet.of(socket, scheme === 'https', copies, handleWrites, this)) ??
      new StreamOutlet(socket, copies, this);
  }

  /** Begins to read, for `protocol`. @param first bytes that were read already. */
  start(protocol: Protocol, read: SharedRead, first?: Buffer): void {
    const socket = this.#socket;
    this.#protocol = protocol;
    socket.on('end', () => {
      if (this.#ended) return;
      // Clients end TLS when they leave (RFC 5246 §7.2.1: what was not written then is discarded). To wait for those few
      // that still read would keep upstream busy for all the others.
      this.#halfClosed = true;
      if (this.scheme === 'http') this.#guard(() => protocol.onEnd());
      else if (this.unsent > 0) this.destroy();
      else this.close();
    });
    // `close` follows each error, and an end without a reason is all that a protocol needs to know.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#owner.onClosed(this);
      this.#guard(() => protocol.onClosed());
    });
    const onBytes = (bytes: Buffer): void => {
      if (this.#ended) {
        this.#dropped += bytes.length;
        if (this.#dropped > LINGER_BYTES) socket.destroy();
        return;
      }
      try {
        protocol.onBytes(bytes);
      } catch (error) {
        this.#fail(error);
      }
    };
    read.attach(socket, onBytes);
    socket.resume();
    if (first !== undefined && first.length > 0) onBytes(first);
  }

  get peer(): string | undefined {
    this.#peer ??= this.#ends?.source ?? peerOf(this.#socket);
    return this.#peer;
  }

  get localHost(): string {
    const { localAddress, localPort } = this.#socket;
    if (this.#ends?.destination !== undefined) return this.#ends.destination;
    return localAddress === undefined || localPort === undefined
      ? 'localhost'
      : hostPort(localAddress, localPort);
  }

  get tls(): TlsFacts | undefined {
    if (this.scheme === 'http') return undefined;
    this.#tls ??= factsOf(this.#socket as TLSSocket);
    return this.#tls;
  }

  get unsent(): number {
    return this.#outlet.unsent;
  }

  writeMessage(text: string, pieces: readonly Uint8Array[], behind: string): boolean {
    return this.#ended || this.#socket.destroyed || this.#outlet.writeMessage(text, pieces, behind);
  }

  write(data: Uint8Array): boolean {
    return this.#ended || this.#socket.destroyed || this.#outlet.write(data);
  }

  writeLatin1(text: string): boolean {
    return this.#ended || this.#socket.destroyed || this.#outlet.writeLatin1(text);
  }

  onDrained(): void {
    this.#guard(() => this.#protocol?.onDrained());
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#outlet.end();
    this.resume();
  }

  endWriting(): void {
    if (!this.#ended) this.#outlet.end();
  }

  destroy(): void {
    this.#ended = true;
    // A socket under TLS has no reset; without its close_notify the end does not look like one (RFC 8446 §6.1).
    // Behind our end a reset would come too late to matter, and libuv refuses one until the end has left: Node.js would then
    // forget the handle, and the connection would stay open.
    if (this.scheme === 'https' || this.#socket.writableEnded || !hasReset(this.#socket))
      this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** Cuts the connection in the usual way. */
  cut(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  /** Called about once a second. @param now monotonic milliseconds. */
  review(now: number): void {
    if (this.#ended) this.#reviewEnd(now);
    // While nothing is read, no event reports a reset.
    else if ((this.#paused || this.#halfClosed) && isReset(this.#socket)) this.cut();
    else this.#guard(() => this.#protocol?.review(now));
  }

  drain(): void {
    if (!this.#ended) this.#guard(() => this.#protocol?.drain());
  }

  /** Ends the wait for a client that has its response, or takes nothing of it. */
  #reviewEnd(now: number): void {
    const socket = this.#socket;
    const { unsent } = this;
    if (this.#endedAt < 0 || unsent !== this.#unsentThen) this.#endedAt = now;
    const moved = unsent > 0 || this.#dropped !== this.#droppedThen;
    if (this.#quietSince < 0 || moved) this.#quietSince = now;
    this.#unsentThen = unsent;
    this.#droppedThen = this.#dropped;
    const limit = unsent > 0 ? this.#owner.sendMs : LINGER_MS;
    if (now - this.#endedAt >= limit || now - this.#quietSince >= QUIET_MS) socket.destroy();
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.destroy();
    this.#owner.onFault(error);
  }
}

/**
 * Text of the peer's address; undefined when the peer has reset the connection. The peer of an address for both families
 * has its IPv4 text.
 */
export function peerOf(socket: Socket): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Undefined when the client has left. */
function factsOf(socket: TLSSocket): TlsFacts | undefined {
  const version = socket.getProtocol();
  return version === null ? undefined : { version, serverName: socket.servername || undefined };
}

/** The part of a handle that a unix socket lacks. */
type PeerHandle = { getpeername?(name: object): number } | null | undefined;

const handleOf = (socket: Socket): PeerHandle =>
  (socket as unknown as { readonly _handle?: PeerHandle })._handle;

/** A unix socket has no reset, and Node.js throws where one is asked for. */
function hasReset(socket: Socket): boolean {
  return handleOf(socket)?.getpeername !== undefined;
}

/** Whether the peer has reset the connection: then the system does not know it any more. */
function isReset(socket: Socket): boolean {
  const code = handleOf(socket)?.getpeername?.({});
  return code !== undefined && code !== 0;
}
