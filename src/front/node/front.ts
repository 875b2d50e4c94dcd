import type { Socket } from 'node:net';
import type { TrafficAddress } from '../../config/config.ts';
import { addressText } from '../../http/host-port.ts';
import { systemClock } from '../../lib/clock.ts';
import { StartError } from '../../lib/start-error.ts';
import type { Front, FrontConfig, FrontOptions } from '../front.ts';
import { H1Connection, type H1Terms } from './h1/connection.ts';
import { HeadParser } from './h1/head-parser.ts';
import { Listener } from './listener.ts';
import { SharedRead } from './shared-read.ts';
import { NodeSocket, type SocketOwner } from './socket.ts';
import { WriteCopies } from './write-copies.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Milliseconds between two reviews of all connections, so that none needs a timer; no time-out of theirs is finer. */
const REVIEW_MS = 1_000;

/** The front on Node.js's own sockets. */
export class NodeFront implements Front, SocketOwner {
  readonly copies = new WriteCopies();
  readonly #options: FrontOptions;
  readonly #terms: Mutable<H1Terms>;
  readonly #read = new SharedRead();
  readonly #sockets = new Set<NodeSocket>();
  /** By address as it was asked for. */
  readonly #listeners = new Map<string, Listener>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#terms = {
      ...termsOf(options.config),
      parser: new HeadParser(),
      events: options.events,
      draining: false,
    };
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
    const listener = await Listener.open(address, options.shared, (socket) => this.#accept(socket));
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
  }

  drain(): void {
    this.#terms.draining = true;
    for (const socket of this.#sockets) socket.drain();
  }

  close(): void {
    this.stopListening();
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.cut();
  }

  onClosed(socket: NodeSocket): void {
    this.#sockets.delete(socket);
    this.#options.connections.admit(-1);
  }

  onFault(error: unknown): void {
    this.#options.events.onFault(error);
  }

  #accept(socket: Socket): void {
    if (!this.#options.connections.admit(1)) {
      this.#options.connections.admit(-1);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const client = new NodeSocket(socket, 'http', this);
    this.#sockets.add(client);
    client.start(new H1Connection(client, this.#terms), this.#read);
  }

  #review(): void {
    const now = systemClock.monotonic();
    for (const socket of this.#sockets) socket.review(now);
  }
}

function termsOf({ limits, timeouts }: FrontConfig): Omit<H1Terms, 'events' | 'parser' | 'draining'> {
  return {
    limits: { requestHead: limits.requestHead, headerFields: limits.headerFields },
    requestsPerConnection: limits.requestsPerConnection,
    requestHeadMs: timeouts.requestHeadMs,
    keepAliveMs: timeouts.keepAliveMs,
    sendMs: timeouts.sendMs,
  };
}
