import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificateConfig, TlsConfig } from '../../../config/config.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Staple } from '../../front.ts';
import { CertificateStore, type Choice } from './certificate-store.ts';
import { ClientHelloReader, type ReadHello } from './client-hello.ts';
import type { HandshakeResult, Handshakes } from './handshakes.ts';

/** Servers kept of one address, some 25 KiB each. To make one takes a millisecond. */
const MAX_SERVERS = 256;
/** Seconds for which a client may resume a session, of the week that RFC 8446 §4.6.1 allows. */
const SESSION_S = 2 * 60 * 60;

/** Characters that mark the sessions of one address, as many as OpenSSL takes. */
const SESSION_CONTEXT = 32;
/** An IPv4 address on a socket of both families. */
const MAPPED = /^::ffff:(?=\d+\.)/;

/** The bytes of Node.js's ticket keys: a name, and a key each for encryption and authentication. */
export const TICKET_KEY_BYTES = 48;

export interface TlsServerOptions {
  /** Text of the address. A session is resumed at its own address only. */
  readonly address: string;
  readonly tls: TlsConfig;
  /** Protocols for ALPN (RFC 7301), the preferred first. */
  readonly protocols: readonly string[];
  readonly ticketKeys: Buffer;
  /** OCSP responses by the fingerprint of their certificate. */
  readonly staples: ReadonlyMap<string, Staple>;
  readonly handshakes: Handshakes;
  /** The connection is gone before its handshake was over. */
  readonly onLost: () => void;
  readonly onFault: (error: unknown) => void;
}

/** Speaks TLS on accepted connections, under one configuration. Connections outlive it. */
export class TlsServer {
  readonly #options: TlsServerOptions;
  readonly #store: CertificateStore;
  /** One for each set of certificates that a client was given, in the order of their last use. */
  readonly #servers = new Map<Choice, Server>();
  #ticketKeys: Buffer;

  /** Throws when OpenSSL makes no context of the first certificate. */
  constructor(options: TlsServerOptions) {
    this.#options = options;
    this.#store = new CertificateStore(options.tls);
    this.#ticketKeys = options.ticketKeys;
    this.#serverOf(this.#store.first);
  }

  /** Servers that are made. */
  get size(): number {
    return this.#servers.size;
  }

  /**
   * Begins the handshake of a connection.
   * @param onSecure takes the connection after it. @param first bytes that were read already.
   */
  accept(raw: Socket, onSecure: (socket: TLSSocket) => void, first?: Buffer): void {
    const { handshakes, onLost } = this.#options;
    handshakes.begin(raw, onSecure, onLost);
    // `close` follows each error, and says all that is needed.
    raw.on('error', () => {});
    const reader = new ClientHelloReader();
    const onData = (chunk: Buffer): void => {
      const hello = reader.push(chunk);
      if (!hello.done) return;
      raw.off('data', onData);
      raw.off('end', onEnd);
      raw.pause();
      this.#begin(raw, reader.bytes, hello);
    };
    const onEnd = (): void => void raw.destroy();
    raw.on('data', onData);
    raw.on('end', onEnd);
    if (first !== undefined && first.length > 0) onData(first);
    if (raw.listenerCount('data') > 0) raw.resume();
  }

  /** @param keys of 48 bytes; older tickets are not accepted any more. */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    for (const server of this.#servers.values()) server.setTicketKeys(keys);
  }

  /** Gives a connection with what was read of it to OpenSSL. */
  #begin(raw: Socket, bytes: Buffer, { serverName, message }: ReadHello): void {
    const { handshakes, onFault } = this.#options;
    const choice = this.#store.choose(serverName, raw.localAddress?.replace(MAPPED, ''), message);
    if (choice === undefined) {
      handshakes.fail(raw, 'unknown_name');
      return;
    }
    try {
      const server = this.#serverOf(choice);
      raw.unshift(bytes);
      server.emit('connection', raw);
    } catch (error) {
      handshakes.fail(raw, 'failed');
      onFault(error);
    }
  }

  #serverOf(choice: Choice): Server {
    const server = this.#servers.get(choice) ?? this.#createServer(choice);
    this.#servers.delete(choice);
    this.#servers.set(choice, server);
    const [oldest] = this.#servers.keys();
    // Its connections go on.
    if (this.#servers.size > MAX_SERVERS && oldest !== undefined) this.#servers.delete(oldest);
    return server;
  }

  #createServer(choice: Choice): Server {
    const { tls, protocols, address } = this.#options;
    const server = createServer({
      ...this.#store.options(choice),
      ALPNProtocols: [...protocols],
      // `Handshakes` has the time.
      handshakeTimeout: 0,
      requestCert: tls.clientCertificates !== undefined,
      // A client without one is refused below, where the reason can be counted.
      rejectUnauthorized: false,
      sessionTimeout: SESSION_S,
      sessionIdContext: createHash('sha256').update(address).digest('hex').slice(0, SESSION_CONTEXT),
      ticketKeys: this.#ticketKeys,
    });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    const [only, another] = choice;
    if (another === undefined && only?.responder !== undefined && tls.stapling) {
      server.on('OCSPRequest', (_certificate, _issuer, done) => done(null, this.#stapleOf(only)));
    }
    server.on('tlsClientError', (error, socket) => {
      const raw = rawOf(socket);
      // Without the end of the socket here, a handshake that fails would stay open.
      socket.destroy();
      if (raw !== undefined) this.#options.handshakes.lose(raw, resultOf(error));
    });
    return server;
  }

  /** Null: none is sent, and the client decides what it makes of that. */
  #stapleOf({ fingerprint }: CertificateConfig): Buffer | null {
    const staple = this.#options.staples.get(fingerprint);
    return staple === undefined || staple.until <= systemClock.wall() ? null : Buffer.from(staple.der);
  }

  #onSecure(socket: TLSSocket): void {
    const { handshakes, tls } = this.#options;
    const raw = rawOf(socket);
    if (raw === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    if (tls.clientCertificates !== undefined && !mayEnter(socket, tls.clientCertificates.mode)) {
      handshakes.lose(raw, 'client_certificate');
      socket.destroy();
      return;
    }
    handshakes.pass(raw, socket);
  }
}

function resultOf(error: Error): HandshakeResult {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return 'aborted';
    default:
      return 'failed';
  }
}

/** A certificate that is not valid is worth less than none: it is refused in either mode. */
function mayEnter(socket: TLSSocket, mode: 'required' | 'optional'): boolean {
  if (socket.authorized) return true;
  return mode === 'optional' && socket.getPeerX509Certificate() === undefined;
}

/** The accepted socket below a TLS socket. Node.js has no documented way to it. */
function rawOf(socket: TLSSocket): Socket | undefined {
  return (socket as unknown as { _parent?: Socket })._parent;
}
