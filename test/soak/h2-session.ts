import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVERNAME } from './certificates.ts';
import type { Connection } from './connection.ts';

/** Bytes that the gateway may send before clients have read: a slow reader must not hold up the others. */
const WINDOW_BYTES = 32 * 1024 * 1024;

/** One connection by HTTP/2 over TLS, which several clients share. */
export class H2Session implements Connection {
  readonly openedAt = performance.now();
  exchanges = 0;
  isDoomed = false;
  closedBy: string | undefined;
  /** A worker has completed the handshake of TLS. */
  isGreeted = false;
  /** When GOAWAY came, in monotonic milliseconds; undefined: not yet. */
  askedToLeaveAt: number | undefined;
  readonly #carrier: Socket;
  readonly #socket: TLSSocket;
  readonly #session: ClientHttp2Session;
  readonly #ended: Promise<void>;

  private constructor(port: number, all: Set<Connection>) {
    all.add(this);
    this.#carrier = connect(port, '127.0.0.1');
    const options = { servername: SERVERNAME, ALPNProtocols: ['h2'], rejectUnauthorized: false };
    this.#socket = connectTls({ socket: this.#carrier, ...options });
    this.#session = connectHttp2(`https://${SERVERNAME}`, { createConnection: () => this.#socket });
    this.#session.on('goaway', () => {
      this.askedToLeaveAt ??= performance.now();
    });
    this.#session.on('error', (error: NodeJS.ErrnoException) => {
      this.closedBy ??= error.code ?? error.message;
    });
    this.#ended = new Promise((resolve) => {
      this.#session.on('close', () => {
        this.closedBy ??= 'its end';
        all.delete(this);
        resolve();
      });
    });
  }

  /** Resolves when it is connected, or could not be; see `closedBy`. */
  static open(port: number, all: Set<Connection>): Promise<H2Session> {
    return new Promise((resolve) => {
      const session = new H2Session(port, all);
      session.#session.once('connect', () => {
        session.isGreeted = true;
        session.#session.setLocalWindowSize(WINDOW_BYTES);
        resolve(session);
      });
      void session.#ended.then(() => resolve(session));
    });
  }

  get port(): number | undefined {
    return this.#carrier.localPort;
  }

  /** The common name in the server's certificate. */
  get certificate(): string | undefined {
    return this.isGreeted ? String(this.#socket.getPeerCertificate().subject.CN) : undefined;
  }

  /** Neither side has begun to end it. */
  get takesRequests(): boolean {
    return this.closedBy === undefined && !this.#session.closed && !this.#session.destroyed;
  }

  request(headers: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream {
    return this.#session.request(headers, { endStream });
  }

  /** Ends it when its last request has ended. */
  leave(): void {
    this.closedBy ??= 'the client';
    this.#session.close();
  }
}
