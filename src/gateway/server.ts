import type { ServedAddress } from '../admin/figures.ts';
import { AuthCounters } from '../auth/auth-counters.ts';
import type { Authorizer } from '../auth/authorizer.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Config, TrafficAddress } from '../config/config.ts';
import type { Answers } from '../exchange/answers.ts';
import { Deadlines } from '../exchange/deadlines.ts';
import { Exchange } from '../exchange/exchange.ts';
import { Tally } from '../exchange/tally.ts';
import type { ClientStream, Front, FrontOptions, Staple } from '../front/front.ts';
import { Fronts } from '../front/fronts.ts';
import { addressText } from '../http/host-port.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Log } from '../lib/log.ts';
import { Roster } from '../lib/roster.ts';
import { StartError } from '../lib/start-error.ts';
import { systemTimers } from '../lib/timers.ts';
import { Turn } from '../lib/turn.ts';
import { ConnectionLimit } from '../limits/connection-limit.ts';
import { type Lease, upstreamLease } from '../limits/lease.ts';
import type { Charges } from '../limits/rate-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import { readBuffer } from '../upstream/read-buffer.ts';
import type { ServerFact } from '../upstream/server-facts.ts';
import type { ServerEvent } from '../upstream/server-report.ts';
import { ServerStates, serversOf } from '../upstream/server-states.ts';
import { ProxyRefusals } from './proxy-refusals.ts';
import { Records } from './records.ts';
import { drainTunnels, followConfig, longLived } from './server-tunnels.ts';
import type { FetchedKeys } from './servers.ts';
import { servesAlike } from './serves-alike.ts';
import { Service } from './service.ts';

/**
 * Milliseconds between the end of the last exchange and the cut of all connections: bytes that the kernel holds, or that
 * wait until a socket is writable, still leave.
 */
const LINGER_MS = 100;
/** Milliseconds between two checks whether the last client has left. */
const EMPTY_CHECK_MS = 50;

export interface ServerOptions {
  readonly log: Log;
  /** Of the services; times of the server itself are the system's. */
  readonly clock: Clock;
  /** Asks an issuer for newer keys; see `AuthorizerOptions.refetch`. */
  readonly refetch: (issuer: string) => Promise<void> | undefined;
  /** Undefined: nothing can be revoked. */
  readonly revocations: Revocations | undefined;
  /** A limit that is shared with other processes runs short; see `Lease`. Called for each request meanwhile. */
  readonly scarce?: ((limit: string, wanted?: number) => void) | undefined;
  /** Tells other processes what rate limits have let in; see `RateLimitsOptions`. Undefined: there are none. */
  readonly charge?: ((charges: readonly Charges[]) => void) | undefined;
  /** Called when an upstream server is found down, or up again. */
  readonly onServer: (event: ServerEvent) => void;
  /** Other processes serve the same addresses. */
  readonly shared: boolean;
  /** Makes the front; for tests. */
  readonly makeFront?: ((options: FrontOptions) => Front) | undefined;
}

/** Another configuration that is ready. It is either committed or abandoned. */
export interface ServerChange {
  /** Throws when a key cannot be used; nothing has changed then, and `abandon` must follow. */
  commit(keys: FetchedKeys): void;
  abandon(): void;
}

/** Serves traffic in one process: the front, the exchanges, the upstreams. Keys and revocations come from outside. */
export class Server {
  readonly tunnels: Tunnels;
  readonly answers: Answers;
  readonly rates: RateLimits;
  readonly tally = new Tally();
  readonly authCounters = new AuthCounters();
  readonly records: Records;
  readonly connections: ConnectionLimit;
  /** Connections closed for want of a PROXY protocol header. */
  readonly proxyRefusals: ProxyRefusals;
  /** TLS handshakes by how they ended. */
  readonly handshakes = new CounterFamily();
  readonly #options: ServerOptions;
  readonly #inFlight = new Roster<Exchange>();
  readonly #deadlines = new Deadlines(this.#inFlight, systemClock);
  readonly #buffer = readBuffer();
  readonly #turn = new Turn();
  readonly #servers: ServerStates;
  #config: Config;
  /** What the control plane knows of the servers of each upstream. */
  readonly #facts = new Map<string, readonly ServerFact[]>();
  #current: Service;
  /** The current one, and older ones that still have exchanges. */
  readonly #services = new Set<Service>();
  readonly #front: Front;
  #isListening = false;
  /** Bound addresses by the address that was asked for. */
  readonly #listening = new Map<string, string>();
  #leaving = false;
  #onIdle: (() => void) | undefined;
  #closing: Promise<number> | undefined;

  constructor(config: Config, options: ServerOptions) {
    this.#options = options;
    this.records = new Records(config, options.log, this.tally, options.clock);
    this.proxyRefusals = new ProxyRefusals(options.log);
    this.connections = new ConnectionLimit(config.limits.connections, systemClock, options.log, () =>
      options.scarce?.('connections'),
    );
    const makeFront = options.makeFront ?? ((its: FrontOptions) => new Fronts(its));
    this.#front = makeFront({
      config,
      connections: this.connections,
      handshakes: this.handshakes,
      events: {
        onRequest: (stream) => this.#serve(stream),
        onFault: (error) => options.log.error({ error }, 'a request could not be read'),
        onProxyRefused: this.proxyRefusals.add,
      },
    });
    const lasting = longLived(this, config, options, () => this.#reportIdle());
    ({ tunnels: this.tunnels, answers: this.answers, rates: this.rates } = lasting);
    this.#servers = new ServerStates(options.clock, systemTimers, options.onServer);
    this.#config = config;
    this.#current = this.#build(config);
    this.rates.follow(this.#current.rateLimits);
  }

  /** In force. */
  get config(): Config {
    return this.#config;
  }

  get service(): Service {
    return this.#current;
  }

  get authorizer(): Authorizer {
    return this.#current.authorizer;
  }

  /** Under way, as they are now. */
  get exchanges(): readonly Exchange[] {
    return this.#inFlight.all();
  }

  /** The limits that other processes share, by name. */
  get leases(): ReadonlyMap<string, Lease> {
    const { upstreams, budget } = this.service;
    return new Map<string, Lease>([
      ['connections', this.connections],
      ['bufferedBodies', budget],
      ...Array.from(upstreams.values(), (upstream) => [upstreamLease(upstream.name), upstream] as const),
    ]);
  }

  /** Every response asks its client to leave. */
  get draining(): boolean {
    return this.#leaving;
  }

  /** Bound addresses, in the order of the configuration. */
  get addresses(): readonly string[] {
    return this.config.listen.flatMap((address) => this.#listening.get(addressText(address)) ?? []);
  }

  /** What serves each bound address, in the order of the configuration. */
  get engines(): readonly ServedAddress[] {
    return this.config.listen.flatMap((address) => {
      const bound = this.#listening.get(addressText(address));
      const choice = this.#front.engineOf?.(address);
      return bound === undefined || choice === undefined ? [] : { address: bound, ...choice };
    });
  }

  /** See `Front.setTicketKeys`. */
  setTicketKeys(keys: Uint8Array): void {
    this.#front.setTicketKeys?.(keys);
  }

  /** See `Front.setStaple`. */
  setStaple(certificate: string, staple: Staple | undefined): void {
    this.#front.setStaple?.(certificate, staple);
  }

  /** Puts in force what the control plane knows of the servers of an upstream, also for configurations to come. */
  setFacts(upstream: string, facts: readonly ServerFact[]): void {
    this.#facts.set(upstream, facts);
    for (const { upstreams } of this.#services) upstreams.get(upstream)?.take(facts);
    this.#keepServers();
  }

  /** Resolves when the front is open and the verification threads run. @throws StartError */
  async open(): Promise<void> {
    await this.records.open();
    await this.#front.open();
    await this.authorizer.start();
  }

  /** Resolves when every address is bound; `open` comes before. @throws StartError */
  async listen(): Promise<void> {
    const { config } = this;
    this.#isListening = true;
    this.#deadlines.start();
    // Unix sockets come last: a process that takes a path over and then fails would leave the path without a listener.
    const inOrder = [...config.listen].sort((a, b) => Number('path' in a) - Number('path' in b));
    for (const address of inOrder) await this.#bind(address);
  }

  /**
   * Makes another configuration ready: its threads, and the addresses that are new. If only certificates differ, the
   * service stays, with the tokens that it knows and its upstream connections. @throws StartError when a part of the
   * configuration is not available; nothing has changed then.
   */
  async prepare(config: Config): Promise<ServerChange> {
    const front = this.#front;
    if (!this.#isListening || this.#closing !== undefined) {
      throw new StartError('the gateway does not run');
    }
    const fresh = config.listen.filter((address) => !this.#listening.has(addressText(address)));
    let next: Service | undefined;
    const abandon = (): void => {
      for (const address of fresh) this.#unbind(address);
      if (next !== this.#current) void next?.close();
    };
    try {
      const isKept = servesAlike(this.config, config);
      next = isKept ? this.#current : this.#build(config);
      if (!isKept) await next.authorizer.start();
      // A server that was replaced while the threads started must not accept connections again.
      for (const address of fresh) if (!front.isStopped) await this.#bind(address);
      if (this.#isClosing()) throw new StartError('the gateway is shutting down');
    } catch (error) {
      abandon();
      // The threads end with the server, which is no fault.
      throw this.#isClosing() ? new StartError('the gateway is shutting down', { cause: error }) : error;
    }
    const prepared = next;
    return { commit: (keys) => this.#take(config, prepared, keys), abandon };
  }

  /** Resolves when no new connection is accepted. Open connections are still served. */
  async stopAccepting(): Promise<void> {
    // When a socket closes, the kernel resets the connections in its queue, unless net.ipv4.tcp_migrate_req moves them.
    await this.#front.takeWaiting();
    this.#front.stopListening();
  }

  /**
   * Asks clients to leave. Resolves when all have left, or when `graceMs` is over and the others are cut. Call
   * `stopAccepting` first: a client that leaves connects again at once, and another process must accept it.
   * @returns how many exchanges were cut.
   */
  async retire(graceMs: number): Promise<number> {
    this.#leaving = true;
    this.#front.drain();
    drainTunnels(this.tunnels, this.config, graceMs);
    const until = systemClock.monotonic() + graceMs;
    while (this.connections.open > 0 && systemClock.monotonic() < until && !this.#isClosing()) {
      await new Promise((done) => setTimeout(done, EMPTY_CHECK_MS));
    }
    return this.close(0);
  }

  /**
   * Refuses new connections, lets exchanges in flight end within `graceMs`, then cuts the others.
   * @returns how many exchanges were cut.
   */
  close(graceMs: number): Promise<number> {
    this.#closing ??= this.#shutDown(graceMs);
    return this.#closing;
  }

  #serve(client: ClientStream): void {
    const service = this.#current;
    const exchange = new Exchange(service.forExchanges, client);
    service.begin();
    this.#inFlight.add(exchange);
    try {
      exchange.start();
    } catch (error) {
      exchange.onInternalError(error);
    }
  }

  #build(config: Config): Service {
    const { log, clock, refetch, revocations, scarce } = this.#options;
    const service = new Service(
      config,
      {
        tally: this.tally,
        authCounters: this.authCounters,
        refetch,
        revocations,
        scarce,
        servers: this.#servers,
        facts: this.#facts,
        log,
        clock,
        records: this.records,
        readBuffer: this.#buffer,
        turn: this.#turn,
        tunnels: this.tunnels,
        answers: this.answers,
        rates: this.rates,
        onEnd: (exchange) => {
          this.#inFlight.delete(exchange);
          this.#reportIdle();
        },
        onFault: (error) => log.error({ error }, 'a request could not be handled'),
      },
      (closed) => this.#services.delete(closed),
    );
    this.#services.add(service);
    return service;
  }

  #take(config: Config, next: Service, keys: FetchedKeys): void {
    for (const [issuer, set] of keys) if (set.length > 0) next.authorizer.setKeys(issuer, set);
    const { listen } = this.#config;
    const before = this.#current;
    this.#config = config;
    this.#current = next;
    this.connections.limit = config.limits.connections;
    followConfig(this, config);
    this.#front.follow(config);
    const wanted = new Set(config.listen.map(addressText));
    for (const address of listen) if (!wanted.has(addressText(address))) this.#unbind(address);
    if (next === before) next.resetLeases();
    else before.retire();
    for (const name of this.#facts.keys()) {
      if (!config.upstreams.has(name)) this.#facts.delete(name);
    }
    this.#keepServers();
  }

  /** Forgets the states of servers that are neither configured nor found. */
  #keepServers(): void {
    this.#servers.keep(serversOf(this.config, this.#facts));
  }

  async #bind(address: TrafficAddress): Promise<void> {
    const { shared } = this.#options;
    this.#listening.set(addressText(address), await this.#front.listen(address, { shared }));
  }

  #unbind(address: TrafficAddress): void {
    this.#front.unlisten(address);
    this.#listening.delete(addressText(address));
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  async #shutDown(graceMs: number): Promise<number> {
    this.#leaving = true;
    this.#front.drain();
    this.#front.stopListening();
    drainTunnels(this.tunnels, this.config, graceMs);
    if (this.#isBusy() && graceMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
    }
    let cut = this.#cutAll();
    if (this.#isListening) {
      // A front may send refusals when the turn is over.
      if (graceMs === 0) await new Promise((done) => setImmediate(done));
      else await new Promise((done) => setTimeout(done, LINGER_MS));
    }
    cut += this.#cutAll(); // Requests that arrived meanwhile on open connections.
    this.tunnels.close();
    this.answers.close();
    this.#front.close();
    this.#deadlines.stop();
    await Promise.all(Array.from(this.#services, (service) => service.close()));
    await this.records.close();
    return cut;
  }

  #isBusy(): boolean {
    return this.#inFlight.size > 0 || this.tunnels.size > 0;
  }

  #reportIdle(): void {
    if (!this.#isBusy()) this.#onIdle?.();
  }

  #cutAll(): number {
    const { exchanges } = this;
    for (const exchange of exchanges) exchange.cut();
    return exchanges.length;
  }
}
