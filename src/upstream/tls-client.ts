import { isIP, type OnReadOpts } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { ServerAddress, UpstreamServer, UpstreamTlsConfig } from '../config/upstream-config.ts';
import { systemClock } from '../lib/clock.ts';

/** Sessions kept for one address; a server of TLS 1.3 sends two for each handshake by default. */
const SESSIONS = 2;

/**
 * Milliseconds after the check of a certificate for which its sessions are used. A handshake with a session checks no
 * certificate and brings further sessions, so without an end one check would last for ever.
 */
const SESSION_MS = 10 * 60_000;

interface Session {
  readonly ticket: Buffer;
  /** Monotonic milliseconds of the check of the certificate. */
  readonly checkedAt: number;
  /** A session of TLS 1.3 is used once, because observers could link its connections (RFC 8446 §C.4). */
  readonly once: boolean;
}

/** One context for all upstreams with the same configuration, because it holds every trusted root in memory. */
const contexts = new WeakMap<UpstreamTlsConfig, SecureContext>();

function contextOf(config: UpstreamTlsConfig): SecureContext {
  let context = contexts.get(config);
  if (context === undefined) {
    const { ca, client } = config;
    context = createSecureContext({
      ...(ca === undefined ? {} : { ca: ca.pem }),
      ...client,
      minVersion: 'TLSv1.2',
    });
    contexts.set(config, context);
  }
  return context;
}

/** Makes TLS connections to one address of a server, and resumes its sessions. */
export class TlsClient {
  readonly #config: UpstreamTlsConfig;
  readonly #context: SecureContext;
  /** The host that the certificate must name. */
  readonly #host: string;
  #sessions: Session[] = [];

  constructor(config: UpstreamTlsConfig, host: string) {
    this.#config = config;
    this.#context = contextOf(config);
    this.#host = config.serverName ?? host;
  }

  /**
   * Connects. `secureConnect` follows when the certificate has been checked, `error` when it is refused.
   * @param protocol the only one that is offered (ALPN); a server without ALPN speaks HTTP/1.1.
   * @param onread gets the bytes instead of `data`.
   */
  connect(address: ServerAddress, protocol: 'http/1.1' | 'h2', onread?: OnReadOpts): TLSSocket {
    const session = this.#take();
    const host = this.#host;
    const socket = connect({
      ...address,
      secureContext: this.#context,
      ALPNProtocols: [protocol],
      // A host name that was looked up is still the name of the server.
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
      rejectUnauthorized: this.#config.verify,
      // Server names have no addresses (RFC 6066 §3).
      ...(isIP(host) > 0 ? {} : { servername: host }),
      ...(session === undefined ? {} : { session: session.ticket }),
      ...(onread === undefined ? {} : { onread }),
    });
    socket.setNoDelay(true);
    let checkedAt: number | undefined;
    let once = false;
    socket.once('secureConnect', () => {
      checkedAt = (socket.isSessionReused() ? session?.checkedAt : undefined) ?? systemClock.monotonic();
      once = socket.getProtocol() === 'TLSv1.3';
    });
    socket.on('session', (ticket) => {
      // The session of a certificate that is refused would pass the next handshake, which checks no host.
      if (checkedAt !== undefined) this.#keep({ ticket, checkedAt, once });
    });
    socket.once('close', () => {
      // The server may have lost what it needs to resume them.
      if (checkedAt === undefined && session !== undefined) this.#sessions = [];
    });
    return socket;
  }

  #take(): Session | undefined {
    const oldest = systemClock.monotonic() - SESSION_MS;
    if (this.#sessions.some(({ checkedAt }) => checkedAt < oldest)) {
      this.#sessions = this.#sessions.filter(({ checkedAt }) => checkedAt >= oldest);
    }
    const last = this.#sessions.at(-1);
    if (last?.once === true) this.#sessions.pop();
    return last;
  }

  #keep(session: Session): void {
    this.#sessions.push(session);
    if (this.#sessions.length > SESSIONS) this.#sessions.shift();
  }
}

/** The client for an https server. @param config of its upstream. */
export function tlsClientOf({ address }: UpstreamServer, config: UpstreamTlsConfig | undefined): TlsClient {
  if (config === undefined || !('host' in address)) throw new Error('an https server needs a host and TLS');
  return new TlsClient(config, address.host);
}
