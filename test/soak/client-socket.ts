import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVERNAME } from './certificates.ts';
import type { Connection } from './connection.ts';
import type { SoakRequest } from './request.ts';
import { overTls } from './soaked.ts';

export interface SocketEvents {
  readonly onBytes: (bytes: Buffer) => void;
  readonly onClosed: () => void;
}

export interface OpenOptions {
  readonly port: number;
  /** All open ones. */
  readonly connections: Set<Connection>;
  /** In ALPN; undefined: none is offered. */
  readonly protocol?: 'h2';
}

/** Milliseconds within which a server that announced the close must close. */
const CLOSE_MS = 5_000;
/** Milliseconds for a connection, and its handshake of TLS. */
const OPEN_MS = 30_000;

const tls = { servername: SERVERNAME, rejectUnauthorized: false };

/** One connection of a client, with at most one exchange at a time. */
export class ClientSocket implements Connection {
  readonly openedAt = performance.now();
  exchanges = 0;
  previous = 'none';
  #kind = 'none';
  /** A worker has completed the handshake of TLS. */
  isGreeted = false;
  /** There is no connection, or no TLS, after a long time; it is open for a report. */
  isLate = false;
  isDoomed = false;
  closedBy: string | undefined;
  /** What carries the socket's bytes: itself, without TLS. */
  readonly #carrier: Socket;
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #port: number | undefined;
  #hasLeft = false;
  #events: SocketEvents | undefined;
  #surplus: Buffer = Buffer.alloc(0);

  private constructor({ port, connections, protocol }: OpenOptions) {
    connections.add(this);
    this.#carrier = connect(port, '127.0.0.1');
    this.#socket = overTls
      ? connectTls({ ...tls, socket: this.#carrier, ...(protocol && { ALPNProtocols: [protocol] }) })
      : this.#carrier;
    this.#socket.on('data', (bytes) => {
      if (this.#hasLeft) return;
      if (this.#events === undefined) this.#surplus = Buffer.concat([this.#surplus, bytes]);
      else this.#events.onBytes(bytes);
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.closedBy ??= error.code ?? error.message;
    });
    this.#ended = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.closedBy ??= 'its end';
        connections.delete(this);
        this.#events?.onClosed();
        resolve();
      });
    });
  }

  /** Resolves when it is connected, or could not be; see `closedBy` and `isLate`. */
  static open(options: OpenOptions): Promise<ClientSocket> {
    return new Promise((resolve) => {
      const socket = new ClientSocket(options);
      const late = setTimeout(() => {
        socket.isLate = true;
        resolve(socket);
      }, OPEN_MS);
      socket.#socket.once(overTls ? 'secureConnect' : 'connect', () => {
        clearTimeout(late);
        socket.isGreeted = overTls;
        socket.#port = socket.#carrier.localPort;
        resolve(socket);
      });
      void socket.#ended.then(() => {
        clearTimeout(late);
        resolve(socket);
      });
    });
  }

  get port(): number | undefined {
    this.#port ??= this.#carrier.localPort;
    return this.#port;
  }

  /** The common name in the server's certificate; undefined without TLS. */
  get certificate(): string | undefined {
    return this.isGreeted ? String((this.#socket as TLSSocket).getPeerCertificate().subject.CN) : undefined;
  }

  /** Bytes that have come without a listener. Each call returns what came since the last one. */
  takeSurplus(): Buffer {
    const surplus = this.#surplus;
    this.#surplus = Buffer.alloc(0);
    return surplus;
  }

  listen(events: SocketEvents | undefined): void {
    this.#events = events;
    if (this.closedBy !== undefined) events?.onClosed();
  }

  /** Resolves when the kernel has them, or will never have. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Another exchange. @returns whether it is the first one, and no worker has shown that it has accepted the connection. */
  begin({ kind }: SoakRequest): boolean {
    this.exchanges += 1;
    this.previous = this.#kind;
    this.#kind = kind;
    return this.exchanges === 1 && !this.isGreeted;
  }

  /** Reads nothing for that long. */
  rest(ms: number): void {
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), ms);
  }

  leave(reset = false): void {
    this.closedBy ??= 'the client';
    this.#hasLeft = true;
    // Within an event of the TLS socket Node.js still uses the carrier, and a reset at once ends the process.
    if (reset) setImmediate(() => this.#carrier.resetAndDestroy());
    else this.#socket.destroy();
  }

  /** Whether the server ends it in time. */
  async isLeft(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), CLOSE_MS);
    });
    const left = await Promise.race([this.#ended.then(() => true), late]);
    clearTimeout(timer);
    return left;
  }
}
