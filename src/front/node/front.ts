import type { Socket } from 'node:net';
import type { TrafficAddress } from '../../config/config.ts';
import { addressText } from '../../http/host-port.ts';
import { Networks, UNIX_PEER } from '../../http/networks.ts';
import { systemClock } from '../../lib/clock.ts';
import { StartError } from '../../lib/start-error.ts';
import type { Front, FrontConfig, FrontOptions, Staple } from '../front.ts';
import { chooseProtocol, negotiatedProtocol } from './choose-protocol.ts';
import type { Protocol } from './client-socket.ts';
import type { H1Terms } from './h1/connection.ts';
import { HeadParser } from './h1/head-parser.ts';
import { HeldBytes } from './h2/held-bytes.ts';
import type { H2Terms } from './h2/streams.ts';
import { Listener } from './listener.ts';
import { ProxyEntrance } from './proxy-entrance.ts';
import type { ProxiedEnds } from './proxy-header.ts';
import { SharedRead } from './shared-read.ts';
import { NodeSocket, peerOf, type SocketOwner } from './socket.ts';
import { TlsServers } from './tls/tls-servers.ts';
import { WriteCopies } from './write-copies.ts';
import { findHandleWrites } from './write-requests.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Milliseconds between two reviews of all connections, so that none needs a timer; no time-out of theirs is finer. */
const REVIEW_MS = 1_000;

/** The peer of a unix socket has no address. */
const unixEnds: ProxiedEnds = { source: UNIX_PEER, destination: undefined };

/** The front on Node.js's own sockets. */
export class NodeFront implements Front, SocketOwner {
  readonly copies = new WriteCopies();
  readonly handleWrites = findHandleWrites();
  readonly #options: FrontOptions;
  readonly #terms: Mutable<H1Terms & H2Terms>;
  readonly #read = new SharedRead();
  readonly #sockets = new Set<NodeSocket>();
  /** By address as it was asked for. */
  readonly #listeners = new Map<string, Listener>();
  readonly #entrance: ProxyEntrance;
  #trusted: Networks | undefined;
  /** Addresses with `proxyProtocol`. */
  #proxied: ReadonlySet<string>;
  /** Addresses that redirect to https. */
  #redirecting: ReadonlySet<string>;
  /** By address as it was asked for. */
  #protocols: ReadonlyMap<string, TrafficAddress['protocols']>;
  readonly #tls: TlsServers;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#tls = new TlsServers(options.handshakes, {
      onLost: () => this.#options.connections.admit(-1),
      onFault: (error) => this.onFault(error),
    });
    this.#terms = {
      ...termsOf(options.config),
      parser: new HeadParser(),
      events: options.events,
      draining: false,
      held: new HeldBytes(),
      connections: options.connections,
    };
    this.#trusted = networksOf(options.config);
    this.#proxied = proxiedOf(options.config);
    this.#protocols = protocolsOf(options.config);
    this.#redirecting = redirectingOf(options.config);
    this.#entrance = new ProxyEntrance({
      onLost: (socket, why) => {
        if (why !== undefined) options.events.onProxyRefused(why, peerOf(socket) ?? UNIX_PEER);
        options.connections.admit(-1);
      },
    });
  }

  get sendMs(): number {
    return this.#terms.sendMs;
  }

  async open(): Promise<void> {
    this.#terms.parser.view(this.#read.buffer);
    this.#timer ??= setInterval(() => this.#review(), REVIEW_MS).unref();
  }

  async listen(address: TrafficAddress, options: { readonly shared: boolean }): Promise<string> {
    const name = addressText(address);
    this.#tls.open(address);
    const listener = await Listener.open(address, options.shared, (socket) =>
      this.#accept(socket, name, 'path' in address ? unixEnds : undefined),
    );
    if (this.#stopped) {
      listener.close();
      throw new StartError(`cannot listen on ${name}: the gateway is shutting down`);
    }
    this.#listeners.set(name, listener);
    return listener.name;
  }

  unlisten(address: TrafficAddress): void {
    const name = addressText(address);
    this.#listeners.get(name)?.close();
    this.#listeners.delete(name);
    this.#tls.forget(name);
  }

  async takeWaiting(): Promise<void> {
    // The poll of each turn accepts all that waits.
    await new Promise((done) => setImmediate(done));
  }

  stopListening(): void {
    this.#stopped = true;
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  follow(config: FrontConfig): void {
    Object.assign(this.#terms, termsOf(config));
    this.#trusted = networksOf(config);
    this.#proxied = proxiedOf(config);
    this.#protocols = protocolsOf(config);
    this.#redirecting = redirectingOf(config);
    this.#tls.follow(config.listen);
  }

  setTicketKeys(keys: Uint8Array): void {
    this.#tls.setTicketKeys(keys);
  }

  setStaple(certificate: string, staple: Staple | undefined): void {
    this.#tls.setStaple(certificate, staple);
  }

  drain(): void {
    this.#terms.draining = true;
    for (const socket of this.#sockets) socket.drain();
  }

  close(): void {
    this.stopListening();
    this.#tls.close();
    clearInterval(this.#timer);
    this.#entrance.close();
    for (const socket of this.#sockets) socket.cut();
  }

  onClosed(socket: NodeSocket): void {
    this.#sockets.delete(socket);
    this.#options.connections.admit(-1);
  }

  onFault(error: unknown): void {
    this.#options.events.onFault(error);
  }

  /** @param ends where they are not those of the socket. */
  #accept(socket: Socket, address: string, ends: ProxiedEnds | undefined): void {
    if (!this.#options.connections.admit(1)) {
      this.#options.connections.admit(-1);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    if (this.#proxied.has(address)) this.#takeHeader(socket, address, ends);
    else this.#enter(socket, address, ends);
  }

  /** Only a trusted proxy may name another peer than itself. */
  #takeHeader(socket: Socket, address: string, own: ProxiedEnds | undefined): void {
    const { connections, events } = this.#options;
    const peer = own?.source ?? peerOf(socket);
    if (peer !== undefined && this.#trusted?.has(peer) === true) {
      this.#entrance.take(socket, (ends, rest) => this.#enter(socket, address, ends ?? own, rest));
      return;
    }
    connections.admit(-1);
    if (peer !== undefined) events.onProxyRefused('untrusted', peer);
    socket.on('error', () => {});
    socket.destroy();
  }

  /** @param first bytes that were read already. */
  #enter(socket: Socket, address: string, ends: ProxiedEnds | undefined, first?: Buffer): void {
    const tls = this.#tls.of(address);
    if (tls === undefined) {
      const client = new NodeSocket(socket, 'http', this, ends);
      client.redirects = this.#redirecting.has(address);
      this.#serve(client, chooseProtocol(client, this.#protocols.get(address), this.#terms), first);
      return;
    }
    tls.accept(
      socket,
      (secure) => {
        const client = new NodeSocket(secure, 'https', this, ends);
        this.#serve(client, negotiatedProtocol(client, secure.alpnProtocol, this.#terms));
      },
      first,
    );
  }

  #serve(client: NodeSocket, protocol: Protocol, first?: Buffer): void {
    this.#sockets.add(client);
    client.start(protocol, this.#read, first);
  }

  #review(): void {
    const now = systemClock.monotonic();
    this.#entrance.review(now, this.#terms.requestHeadMs);
    for (const socket of this.#sockets) socket.review(now);
    this.#tls.review(now);
  }
}

function networksOf({ trustedProxies }: FrontConfig): Networks | undefined {
  return trustedProxies && new Networks(trustedProxies);
}

function proxiedOf({ listen }: FrontConfig): ReadonlySet<string> {
  return new Set(listen.filter(({ proxyProtocol }) => proxyProtocol !== undefined).map(addressText));
}

function redirectingOf({ listen }: FrontConfig): ReadonlySet<string> {
  return new Set(listen.filter(({ redirect }) => redirect !== undefined).map(addressText));
}

function protocolsOf({ listen }: FrontConfig): ReadonlyMap<string, TrafficAddress['protocols']> {
  return new Map(listen.map((address) => [addressText(address), address.protocols]));
}

function termsOf({
  routes,
  limits,
  timeouts,
}: FrontConfig): Omit<H1Terms & H2Terms, 'events' | 'parser' | 'draining' | 'held' | 'connections'> {
  return {
    limits: { requestHead: limits.requestHead, headerFields: limits.headerFields },
    requestsPerConnection: limits.requestsPerConnection,
    requestHeadMs: timeouts.requestHeadMs,
    keepAliveMs: timeouts.keepAliveMs,
    sendMs: timeouts.sendMs,
    webSockets: routes.some(({ upgrade }) => upgrade?.includes('websocket') === true),
  };
}
