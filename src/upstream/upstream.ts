import type { UpstreamConfig, UpstreamServer } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';
import type { CounterFamily } from '../lib/counters.ts';
import { type Lease, spareOf } from '../limits/lease.ts';
import type { Reason } from '../reasons.ts';
import { balancerOf } from './balance/balancer-of.ts';
import type { Endpoint } from './endpoint.ts';
import { Endpoints } from './endpoints.ts';
import { plainSocket } from './h2/plain-socket.ts';
import { H2Pool, type H2PoolOptions, type H2PoolOwner } from './h2/pool.ts';
import { Pool, type PooledConnection, type PoolOptions, type PoolOwner } from './pool.ts';
import { RetryPolicy, type RetryScope } from './retry.ts';
import type { ServerFact } from './server-facts.ts';
import type { ServerPool } from './server-pool.ts';
import type { ServerState } from './server-state.ts';
import { TICK_MS, ticks } from './ticks.ts';
import { tlsClientOf } from './tls-client.ts';
import type { UpstreamStream } from './upstream-stream.ts';
import { type Place, type Waiter, WaitingLine } from './waiting-line.ts';

/** The options of a pool that belong to its server. */
type OfServer = Pick<PoolOptions & H2PoolOptions, 'state' | 'onRefusedResponse'>;

export interface UpstreamOptions
  extends UpstreamConfig,
    Omit<PoolOptions, keyof OfServer | 'address' | 'tls'> {
  /** @param address `host:port`, or `unix:/path`. */
  readonly ofServer: (address: string) => OfServer;
  /** What the control plane knows of its servers; see `take`. */
  readonly facts?: readonly ServerFact[] | undefined;
  /** Counts failed attempts; outlives the upstream. */
  readonly failures: CounterFamily;
  /** Counts retries by result; outlives the upstream. */
  readonly retried: CounterFamily;
  /** Called repeatedly while a request waits because all `connections` are in use. */
  readonly onScarce?: (() => void) | undefined;
}

/** One upstream. Chooses the server of each request, and lets requests wait while no connection is available. */
export class Upstream implements Lease, PoolOwner, H2PoolOwner, RetryScope {
  readonly name: string;
  /** Failed attempts by reason. */
  readonly failures: CounterFamily;
  /** Decides whether a request is sent again. */
  readonly retries: RetryPolicy;
  /** Connections at a time, at most. */
  limit: number;
  /** Ticks since the upstream was made. They pass only while it has connections or waiters. */
  tick = 0;
  readonly #options: UpstreamOptions;
  readonly #endpoints: Endpoints;
  /** Connections to all servers. */
  #size = 0;
  readonly #waiting = new WaitingLine<Waiter>();
  /** Ticks that a request waits for a connection at most. */
  readonly #patience: number;
  #sweeper: NodeJS.Timeout | undefined;
  #draining = false;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.name = options.name;
    this.failures = options.failures;
    this.retries = new RetryPolicy(options.retries, options.retried, this);
    this.limit = options.limits.connections;
    this.#patience = ticks(options.timeouts.connectMs);
    this.#endpoints = new Endpoints({
      ...options,
      facts: options.facts ?? [],
      balancer: balancerOf(options.balance),
      poolOf: (server, fact) => this.#poolOf(server, fact),
      onChange: () => this.#dialForWaiters(),
    });
  }

  /**
   * Gives a connection to use now.
   * @param fresh only a new connection will do, because the last idle one turned out to be dead.
   * @returns undefined when the waiter gets a connection later; a reason when it gets none.
   */
  checkOut(waiter: Waiter, fresh: boolean): UpstreamStream | undefined | Reason {
    if (this.#endpoints.none) return 'no_healthy_upstream';
    const endpoint = this.#endpoints.choose(waiter.avoid, waiter.key);
    if (!waiter.alone) {
      const mayShare = this.#options.pipelining > 1 && this.#waiting.size === 0 && waiter.shareable;
      let connection = endpoint?.pool.take(mayShare, fresh);
      if (connection === undefined && endpoint === undefined && mayShare && !fresh)
        connection = this.#endpoints.shared();
      if (connection !== undefined) return connection;
    }
    if (endpoint !== undefined) {
      this.#makeRoom(endpoint);
      if (this.#mayDial(endpoint)) return this.#dial(endpoint, waiter);
    }
    this.#options.onScarce?.();
    if (this.#waiting.size >= this.#options.limits.waiting) return 'upstream_overloaded';
    waiter.place = this.#waiting.add(waiter, this.tick + this.#patience);
    this.#startSweeping();
    return undefined;
  }

  /** The waiter does not need a connection any more. */
  cancel(waiter: Waiter): void {
    if (waiter.place === undefined) return;
    this.#remove(waiter.place);
    this.#offerRoom();
  }

  assign(connection: PooledConnection, pool: ServerPool): boolean {
    const { first } = this.#waiting;
    if (first === undefined || !pool.usable) return false;
    if (first.waiter.alone || first.waiter.avoid === pool.state) {
      // The waiter gets a new connection instead, to another server if it avoids this one.
      connection.destroy();
    } else {
      this.#remove(first);
      first.waiter.onConnection(connection);
      this.share(connection);
    }
    return true;
  }

  share(connection: PooledConnection): void {
    // No request overtakes a request that needs a connection for itself.
    while (connection.hasRoom) {
      const { first } = this.#waiting;
      if (first?.waiter.shareable !== true) return;
      this.#remove(first);
      first.waiter.onConnection(connection);
    }
  }

  onRoom(pool: ServerPool): void {
    if (!pool.usable) return;
    // Only a new connection will do for the first request, so one without a request makes room.
    if (this.#waiting.first?.waiter.alone === true) pool.endIdle();
    for (let { first } = this.#waiting; first?.waiter.alone === false; { first } = this.#waiting) {
      const stream = pool.take(true, false);
      if (stream === undefined) return;
      this.#remove(first);
      first.waiter.onConnection(stream);
    }
  }

  onClosed(pool: ServerPool): void {
    this.#size -= 1;
    this.#endpoints.onClosed(pool);
    if (this.#size === 0 && this.#waiting.size === 0 && !this.#wantsProbe()) this.#stopSweeping();
    this.#dialForWaiters();
  }

  /** Puts facts of the control plane about its servers in force. */
  take(facts: readonly ServerFact[]): void {
    this.#endpoints.take(facts);
    this.#dialForWaiters();
  }

  /** Requests under way, with those that wait; read only when a request has failed. */
  get underWay(): number {
    let load = this.#waiting.size;
    for (const pool of this.#endpoints.pools()) load += pool.load;
    return load;
  }

  hasOther(server: ServerState): boolean {
    return this.#endpoints.hasOther(server);
  }

  get step(): number {
    return Math.max(1, Math.ceil(this.limit / 4), this.#waiting.size);
  }

  raise(amount: number): void {
    this.limit += amount;
    this.#dialForWaiters();
  }

  /** Idle connections count as unused, and end. */
  lower(wanted: number): number {
    const used = this.#size - this.#idle + this.#waiting.size;
    const amount = spareOf(this.limit, used, 0, wanted);
    this.limit -= amount;
    while (this.#size > this.limit && this.#endIdle());
    return amount;
  }

  /** The limit is again what it was at first. Connections in use above it stay until their requests have ended. */
  reset(): void {
    this.limit = this.#options.limits.connections;
    while (this.#size > this.limit && this.#endIdle());
    this.#dialForWaiters();
  }

  /** Connections and waiters by state, for metrics. */
  count(): Readonly<Record<'idle' | 'busy' | 'connecting' | 'waiting', number>> {
    const sum = { idle: 0, busy: 0, connecting: 0, waiting: this.#waiting.size };
    for (const pool of this.#endpoints.pools()) {
      const { idle, busy, connecting } = pool.count();
      sum.idle += idle;
      sum.busy += busy;
      sum.connecting += connecting;
    }
    return sum;
  }

  /** Open connections and tunnels of each server, by address. */
  *connections(): Iterable<readonly [address: string, count: number]> {
    for (const { text, pool } of this.#endpoints.current) {
      const { idle, busy } = pool.count();
      yield [text, idle + busy + pool.state.tunnels];
    }
  }

  /** Whether its servers work. */
  get servers(): readonly ServerState[] {
    return Array.from(this.#endpoints.current, ({ pool }) => pool.state);
  }

  /** Idle connections end now, others once no request waits for a connection. New requests are still served. */
  drain(): void {
    this.#draining = true;
    this.#endpoints.close();
    if (this.#size === 0 && this.#waiting.size === 0) this.#stopSweeping();
    for (const pool of this.#endpoints.pools()) pool.drain();
  }

  /** Every connection ends now, and requests that wait are refused. */
  close(): void {
    this.#closed = true;
    this.drain();
    // The loop ends, because a refused request does not wait again.
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) {
      waiter.onNoConnection('draining');
    }
    for (const pool of [...this.#endpoints.pools()]) pool.close();
    this.#stopSweeping();
  }

  #poolOf(server: UpstreamServer, { address }: ServerFact): ServerPool {
    const options = { ...this.#options, ...this.#options.ofServer(addressText(address)) };
    const { protocol, scheme } = server;
    const tls = scheme === 'https' ? tlsClientOf(server, options.tls) : undefined;
    return protocol === 'h2'
      ? new H2Pool(
          { ...options, scheme, connect: () => tls?.connect(address, 'h2') ?? plainSocket(address) },
          this,
        )
      : new Pool({ ...options, address, tls }, this);
  }

  /** Connections without a request, to all servers. */
  get #idle(): number {
    let idle = 0;
    for (const pool of this.#endpoints.pools()) idle += pool.idle;
    return idle;
  }

  #wantsProbe(): boolean {
    for (const { pool } of this.#endpoints.current) if (pool.state.wantsProbe) return true;
    return false;
  }

  #mayDial({ pool, server }: Endpoint): boolean {
    return this.#size < this.limit && pool.size < server.connections;
  }

  /** Ends an idle connection where only that lets another one be made. The request would wait although one is idle. */
  #makeRoom({ pool, server }: Endpoint): void {
    if (pool.size >= server.connections) pool.endIdle();
    else if (this.#size >= this.limit) this.#endIdle();
  }

  /** Ends an idle connection to any server. Returns false when none is idle. */
  #endIdle(): boolean {
    for (const pool of this.#endpoints.pools()) if (pool.endIdle()) return true;
    return false;
  }

  #dial({ pool }: Endpoint, waiter: Waiter): UpstreamStream {
    const connection = pool.dial(waiter.alone);
    this.#size += 1;
    this.#startSweeping();
    return connection;
  }

  /** A connection has ended, or more are allowed: requests that wait get new connections. */
  #dialForWaiters(): void {
    if (this.#closed) return;
    for (let { first } = this.#waiting; first !== undefined; { first } = this.#waiting) {
      const endpoint = this.#endpoints.choose(first.waiter.avoid, first.waiter.key);
      if (endpoint === undefined && !this.#endpoints.none) return;
      const { waiter } = first;
      // A connection that carries many requests may have room.
      const stream = waiter.alone ? undefined : endpoint?.pool.take(false, false);
      if (endpoint !== undefined && stream === undefined && !this.#mayDial(endpoint)) return;
      this.#remove(first);
      if (endpoint === undefined) waiter.onNoConnection('no_healthy_upstream');
      else waiter.onConnection(stream ?? this.#dial(endpoint, waiter));
    }
  }

  /** Removes the request that has waited longest from the line. */
  #next(): Waiter | undefined {
    const { first } = this.#waiting;
    if (first === undefined) return undefined;
    this.#remove(first);
    return first.waiter;
  }

  #remove(place: Place<Waiter>): void {
    this.#waiting.remove(place);
    place.waiter.place = undefined;
  }

  /** The first request has left the line: the next requests may share connections. */
  #offerRoom(): void {
    if (this.#waiting.size === 0) return;
    for (const { pool } of this.#endpoints.current) pool.offerRoom();
  }

  #sweep(): void {
    this.tick += 1;
    for (const pool of [...this.#endpoints.pools()]) pool.sweep(this.tick);
    // Each later request has waited less than the first.
    let { first } = this.#waiting;
    while (first !== undefined && first.deadline <= this.tick) {
      this.#remove(first);
      first.waiter.onNoConnection('upstream_overloaded');
      first = this.#waiting.first;
    }
    this.#offerRoom();
    if (this.#waiting.size > 0) this.#options.onScarce?.();
    else if (this.#wantsProbe()) this.#probe();
    else if (this.#size === 0) this.#stopSweeping();
  }

  /** Makes connections without a request to servers to which none could be made. */
  #probe(): void {
    if (this.#draining) return;
    for (const { pool } of this.#endpoints.current) {
      if (pool.state.wantsProbe && this.#size < this.limit && pool.probe()) this.#size += 1;
    }
  }

  #startSweeping(): void {
    this.#sweeper ??= setInterval(() => this.#sweep(), TICK_MS);
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
