import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVERNAME } from './certificates.ts';
import type { Connection } from './connection.ts';
import { overTls } from './soaked.ts';

export interface SocketEvents {
  readonly onBytes: (bytes: Buffer) => void;
  readonly onClosed: () => void;
}

/** Milliseconds within which a server that announced the close must close. */
const CLOSE_MS = 5_000;

/** One connection of a client, with at most one exchange at a time. */
export class ClientSocket implements Connection {
  readonly openedAt = performance.now();
  exchanges = 0;
  /** A worker has completed the handshake of TLS. */
  isGreeted = false;
  isDoomed = false;
  closedBy: string | undefined;
  /** What carries the socket's bytes: itself, without TLS. */
  readonly #carrier: Socket;
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #port: number | undefined;
  #events: SocketEvents | undefined;
  #surplus = '';

  private constructor(port: number, all: Set<Connection>) {
    all.add(this);
    this.#carrier = connect(port, '127.0.0.1');
    this.#socket = overTls
      ? connectTls({ socket: this.#carrier, servername: SERVERNAME, rejectUnauthorized: false })
      : this.#carrier;
    this.#socket.on('data', (bytes) => {
      if (this.#events === undefined) this.#surplus += bytes.toString('latin1', 0, 100);
      else this.#events.onBytes(bytes);
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.closedBy ??= error.code ?? error.message;
    });
    this.#ended = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.closedBy ??= 'its end';
        all.delete(this);
        this.#events?.onClosed();
        resolve();
      });
    });
  }

  /** Resolves when it is connected, or could not be; see `closedBy`. */
  static open(port: number, all: Set<Connection>): Promise<ClientSocket> {
    return new Promise((resolve) => {
      const socket = new ClientSocket(port, all);
      socket.#socket.once(overTls ? 'secureConnect' : 'connect', () => {
        socket.isGreeted = overTls;
        socket.#port = socket.#carrier.localPort;
        resolve(socket);
      });
      void socket.#ended.then(() => resolve(socket));
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

  /** Bytes received without a request for them. */
  get surplus(): string {
    return this.#surplus;
  }

  listen(events: SocketEvents | undefined): void {
    this.#events = events;
    if (this.closedBy !== undefined) events?.onClosed();
  }

  /** Resolves when the kernel has them, or will never have. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Reads nothing for that long. */
  rest(ms: number): void {
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), ms);
  }

  leave(reset = false): void {
    this.closedBy ??= 'the client';
    if (reset) this.#carrier.resetAndDestroy();
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
