import type { CounterFamily } from '../lib/counters.ts';
import { type Lease, spareOf } from '../limits/lease.ts';
import { Pool, type PooledConnection, type PoolOptions, type PoolOwner } from './pool.ts';
import type { ServerState } from './server-state.ts';
import { TICK_MS, ticks } from './ticks.ts';
import type { UpstreamStream } from './upstream-stream.ts';
import { type Place, type Waiter, WaitingLine } from './waiting-line.ts';

export interface UpstreamOptions extends PoolOptions {
  /** Counts failed attempts; outlives the upstream. */
  readonly failures: CounterFamily;
  /** Called repeatedly while a request waits because all `connections` are in use. */
  readonly onScarce?: (() => void) | undefined;
}

/** One upstream. Chooses the server of each request, and lets requests wait while no connection is available. */
export class Upstream implements Lease, PoolOwner {
  readonly name: string;
  /** Failed attempts by reason. */
  readonly failures: CounterFamily;
  /** Connections at a time, at most. */
  limit: number;
  /** Ticks since the upstream was made. They pass only while it has connections or waiters. */
  tick = 0;
  readonly #options: UpstreamOptions;
  /** The connections to its only server. */
  readonly #pool: Pool;
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
    this.limit = options.limits.connections;
    this.#patience = ticks(options.timeouts.connectMs);
    this.#pool = new Pool(options, this);
  }

  /**
   * Gives a connection to use now.
   * @param fresh only a new connection will do, because the last idle one turned out to be dead.
   * @returns undefined when the waiter gets a connection later; 'full' when too many requests wait already.
   */
  checkOut(waiter: Waiter, fresh: boolean): UpstreamStream | undefined | 'full' {
    const pool = this.#choose();
    if (!fresh && !waiter.alone) {
      const mayShare = this.#options.pipelining > 1 && this.#waiting.size === 0 && waiter.shareable;
      const connection = pool.take(mayShare);
      if (connection !== undefined) return connection;
    } else if (pool.size >= this.limit) {
      // Otherwise the request would wait although an idle connection could make room.
      pool.endIdle();
    }
    if (pool.size < this.limit) return this.#dial(waiter);
    this.#options.onScarce?.();
    if (this.#waiting.size >= this.#options.limits.waiting) return 'full';
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

  assign(connection: PooledConnection): boolean {
    const { first } = this.#waiting;
    if (first === undefined) return false;
    if (first.waiter.alone) {
      // The waiter gets a new connection instead.
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

  onClosed(): void {
    if (this.#pool.size === 0 && this.#waiting.size === 0 && !this.#pool.state.wantsProbe)
      this.#stopSweeping();
    this.#dialForWaiters();
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
    const used = this.#pool.size - this.#pool.idle + this.#waiting.size;
    const amount = spareOf(this.limit, used, 0, wanted);
    this.limit -= amount;
    let more = this.#pool.size > this.limit;
    while (more) more = this.#pool.endIdle() && this.#pool.size > this.limit;
    return amount;
  }

  /** Connections and waiters by state, for metrics. */
  count(): Readonly<Record<'idle' | 'busy' | 'connecting' | 'waiting', number>> {
    return { ...this.#pool.count(), waiting: this.#waiting.size };
  }

  /** Whether its servers work. */
  get servers(): readonly ServerState[] {
    return [this.#pool.state];
  }

  /** Idle connections end now, others once no request waits for a connection. New requests are still served. */
  drain(): void {
    this.#draining = true;
    if (this.#pool.size === 0 && this.#waiting.size === 0) this.#stopSweeping();
    this.#pool.drain();
  }

  /** Every connection ends now, and requests that wait are refused. */
  close(): void {
    this.#closed = true;
    this.drain();
    // The loop ends, because a refused request does not wait again.
    for (let waiter = this.#next(); waiter !== undefined; waiter = this.#next()) {
      waiter.onNoConnection('draining');
    }
    this.#pool.close();
    this.#stopSweeping();
  }

  /** The server for a request. */
  #choose(): Pool {
    return this.#pool;
  }

  #dial(waiter: Waiter): UpstreamStream {
    const connection = this.#choose().dial(waiter.alone);
    this.#startSweeping();
    return connection;
  }

  /** A connection has ended, or more are allowed: requests that wait get new connections. */
  #dialForWaiters(): void {
    while (!this.#closed && this.#pool.size < this.limit) {
      const waiter = this.#next();
      if (waiter === undefined) return;
      waiter.onConnection(this.#dial(waiter));
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
    // Without pipelining no connection ever has room.
    if (this.#options.pipelining > 1 && this.#waiting.size > 0) this.#pool.offerRoom();
  }

  #sweep(): void {
    this.tick += 1;
    this.#pool.sweep(this.tick);
    // Each later request has waited less than the first.
    let { first } = this.#waiting;
    while (first !== undefined && first.deadline <= this.tick) {
      this.#remove(first);
      first.waiter.onNoConnection('upstream_overloaded');
      first = this.#waiting.first;
    }
    this.#offerRoom();
    if (this.#waiting.size > 0) this.#options.onScarce?.();
    else if (this.#pool.state.wantsProbe) {
      if (!this.#draining && this.#pool.size < this.limit) this.#pool.probe();
    } else if (this.#pool.size === 0) this.#stopSweeping();
  }

  #startSweeping(): void {
    this.#sweeper ??= setInterval(() => this.#sweep(), TICK_MS);
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
