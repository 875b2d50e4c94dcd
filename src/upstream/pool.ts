import type { UpstreamConfig } from '../config/config.ts';
import type { CounterFamily } from '../lib/counters.ts';
import { type Lease, spareOf } from '../limits/lease.ts';
import type { Reason } from '../reasons.ts';
import { Connection } from './h1/connection.ts';
import type { ConnectionOwner } from './h1/connection-owner.ts';
import type { ResponseFault } from './h1/response-parser.ts';
import { SpareHeadReader } from './h1/spare-head-reader.ts';
import { type AttemptFailure, isUntaken } from './retry.ts';
import type { ServerState } from './server-state.ts';
import { type ConnectionTimes, TICK_MS, ticks } from './ticks.ts';
import { type Place, WaitingLine } from './waiting-line.ts';

/** An exchange that wants a connection. */
export interface PoolWaiter {
  /** It may share a connection with others. */
  readonly shareable: boolean;
  /** It needs a connection that no request used before it, and none gets after it. */
  readonly alone: boolean;
  /** Where it stands while it waits; the pool's to set. */
  place: Place<PoolWaiter> | undefined;
  onConnection(connection: Connection): void;
  onNoConnection(reason: Reason): void;
}

export interface PoolOptions extends UpstreamConfig {
  /** Bytes of a response head. */
  readonly headLimit: number;
  readonly readBuffer: Buffer;
  /** Where failed exchanges are counted; outlives the pool. */
  readonly failures: CounterFamily;
  /** Whether the server answers; outlives the pool. */
  readonly state: ServerState;
  /** Told, again and again, while an exchange waits because `connections` are used up. */
  readonly onScarce?: (() => void) | undefined;
  /** Is told the parser's word for each answer that it refused. */
  readonly onRefusedAnswer: (fault: ResponseFault) => void;
}

/** Ticks between two probes of a server that no connection can be made to: its return is noticed soon, for one connection each. */
const PROBE_TICKS = ticks(2_000);

/** The connections to one upstream server; `checkOut` and `dispatch` are the only places that hand one out. */
export class Pool implements ConnectionOwner<Connection>, Lease {
  readonly name: string;
  /** Ticks since the pool was made, while it has connections; what deadlines are compared with. */
  tick = 0;
  /** Failed exchanges by reason word. */
  readonly failures: CounterFamily;
  readonly state: ServerState;
  /** Most connections at a time. */
  limit: number;
  private readonly options: PoolOptions;
  private readonly times: ConnectionTimes;
  private readonly spareHeadReader = new SpareHeadReader();
  private readonly all = new Set<Connection>();
  /** Last in, first out: the most recently used is the least likely to have been closed by the server. */
  private readonly idle: Connection[] = [];
  private readonly waiting = new WaitingLine<PoolWaiter>();
  /** The connection that took a request last; where there is room on it, requests of one turn leave together. */
  private latest: Connection | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  /** The tick of the next probe. */
  private probeAt = 0;
  /** Connections end with their exchange. */
  private draining = false;
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.name = options.name;
    this.failures = options.failures;
    this.state = options.state;
    this.limit = options.limits.connections;
    const { connectMs, responseMs, idleMs, keepAliveMs } = options.timeouts;
    this.times = {
      connect: ticks(connectMs),
      response: ticks(responseMs),
      idle: ticks(idleMs),
      keepAlive: ticks(keepAliveMs),
    };
  }

  /**
   * A connection to use now, or undefined: then the waiter is told later. With `fresh` an idle one does not do,
   * because the last one turned out to be dead, and none that others use either.
   * @returns 'full' when too many wait already.
   */
  checkOut(waiter: PoolWaiter, fresh: boolean): Connection | undefined | 'full' {
    if (!fresh && !waiter.alone) {
      const connection = this.idleOrShared(waiter);
      if (connection !== undefined) return connection;
    } else if (this.all.size >= this.limit) {
      // Or it would wait for a place while one stands idle.
      this.idle[0]?.destroy();
    }
    if (this.all.size < this.limit) return this.dial(waiter);
    this.options.onScarce?.();
    if (this.waiting.size >= this.options.limits.waiting) return 'full';
    waiter.place = this.waiting.add(waiter, this.tick + this.times.connect);
    this.startSweeping();
    return undefined;
  }

  /** The waiter wants no connection any more. */
  cancel(waiter: PoolWaiter): void {
    if (waiter.place === undefined) return;
    this.leave(waiter.place);
    this.offerRoom();
  }

  onReusable(connection: Connection): void {
    if (this.waiting.first?.waiter.alone === true) {
      // Its place is what the waiter gets.
      connection.destroy();
      return;
    }
    const waiter = this.nextWaiter();
    if (waiter !== undefined) {
      waiter.onConnection(connection);
      this.onRoom(connection);
    } else if (this.draining) connection.destroy();
    else this.idle.push(connection);
  }

  onRoom(connection: Connection): void {
    // A request that needs a connection for itself gets it in its turn; until then no other goes on one that is in use.
    while (connection.hasRoom) {
      const { first } = this.waiting;
      if (first?.waiter.shareable !== true) return;
      this.leave(first);
      first.waiter.onConnection(connection);
    }
  }

  onRefusedAnswer(fault: ResponseFault): void {
    this.options.onRefusedAnswer(fault);
  }

  onFailure(failure: AttemptFailure): void {
    if (!isUntaken(failure)) this.state.broke(failure.cause);
  }

  onClosed(connection: Connection): void {
    this.all.delete(connection);
    if (this.latest === connection) this.latest = undefined;
    if (this.state.wantsProbe) this.probeAt = this.tick + PROBE_TICKS;
    const at = this.idle.lastIndexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    if (this.all.size === 0 && this.waiting.size === 0 && !this.state.wantsProbe) this.stopSweeping();
    // Its place is free: the request that waits longest gets a new one.
    this.dialForWaiters();
  }

  get step(): number {
    return Math.max(1, Math.ceil(this.limit / 4), this.waiting.size);
  }

  raise(amount: number): void {
    this.limit += amount;
    this.dialForWaiters();
  }

  /** Idle connections count as unused, and end. */
  lower(wanted: number): number {
    const used = this.all.size - this.idle.length + this.waiting.size;
    const amount = spareOf(this.limit, used, 0, wanted);
    this.limit -= amount;
    while (this.all.size > this.limit && this.idle[0] !== undefined) this.idle[0].destroy();
    return amount;
  }

  /** Connections and waiters by state, for metrics. */
  count(): Readonly<Record<'idle' | 'busy' | 'connecting' | 'waiting', number>> {
    let connecting = 0;
    for (const connection of this.all) if (connection.state === 'connecting') connecting += 1;
    const idle = this.idle.length;
    return { idle, busy: this.all.size - idle - connecting, connecting, waiting: this.waiting.size };
  }

  /** Idle connections end now, others when no request waits for one any more; requests from now on are still served. */
  drain(): void {
    this.draining = true;
    if (this.all.size === 0 && this.waiting.size === 0) this.stopSweeping();
    for (const connection of [...this.idle]) connection.destroy();
  }

  /** Every connection ends now; requests that wait are told. */
  close(): void {
    this.closed = true;
    this.drain();
    // None is added meanwhile: a request that is told so refuses its client.
    for (let waiter = this.nextWaiter(); waiter !== undefined; waiter = this.nextWaiter()) {
      waiter.onNoConnection('draining');
    }
    for (const connection of [...this.all]) connection.destroy();
    this.stopSweeping();
  }

  /**
   * Requests of one turn share connections as far as they may, because each write costs upstream and gateway more than
   * what is in it. Otherwise an idle connection comes first, since nothing is queued on it.
   */
  private idleOrShared(waiter: PoolWaiter): Connection | undefined {
    const mayShare = this.options.pipelining > 1 && waiter.shareable && this.waiting.size === 0;
    if (!mayShare) return this.idle.pop();
    if (this.latest?.hasUnsentRoom === true) return this.latest;
    this.latest = this.idle.pop() ?? this.withRoom();
    return this.latest;
  }

  private withRoom(): Connection | undefined {
    for (const connection of this.all) if (connection.hasRoom) return connection;
    return undefined;
  }

  private nextWaiter(): PoolWaiter | undefined {
    const { first } = this.waiting;
    if (first === undefined) return undefined;
    this.leave(first);
    return first.waiter;
  }

  private leave(place: Place<PoolWaiter>): void {
    this.waiting.remove(place);
    place.waiter.place = undefined;
  }

  /** The request in front of others waits no more: those may take what room there is. */
  private offerRoom(): void {
    if (this.options.pipelining === 1) return; // None ever has room.
    for (const connection of this.all) {
      if (this.waiting.size === 0) return;
      this.onRoom(connection);
    }
  }

  private dial({ alone }: Pick<PoolWaiter, 'alone'>): Connection {
    const { server, pipelining, reuse, headLimit, readBuffer } = this.options;
    const { times, spareHeadReader } = this;
    const connection = new Connection({
      address: server,
      times,
      depth: pipelining,
      once: alone || !reuse,
      headLimit,
      readBuffer,
      spareHeadReader,
      owner: this,
    });
    this.all.add(connection);
    this.startSweeping();
    return connection;
  }

  private dialForWaiters(): void {
    while (!this.closed && this.all.size < this.limit) {
      const waiter = this.nextWaiter();
      if (waiter === undefined) return;
      waiter.onConnection(this.dial(waiter));
    }
  }

  private sweep(): void {
    this.tick += 1;
    for (const connection of [...this.all]) {
      if (connection.deadline <= this.tick) connection.expire();
      else if (connection.patience <= this.tick) connection.release();
    }
    // Every later one has waited less than the first.
    let { first } = this.waiting;
    while (first !== undefined && first.deadline <= this.tick) {
      this.leave(first);
      first.waiter.onNoConnection('upstream_overloaded');
      first = this.waiting.first;
    }
    this.offerRoom();
    if (this.waiting.size > 0) this.options.onScarce?.();
    else if (this.state.wantsProbe) this.probe();
    else if (this.all.size === 0) this.stopSweeping();
  }

  /** Tries a connection that no request asked for; one that can be made ends at once. */
  private probe(): void {
    if (this.draining || this.tick < this.probeAt || this.all.size >= this.limit) return;
    this.probeAt = this.tick + PROBE_TICKS;
    this.dial({ alone: true });
  }

  private startSweeping(): void {
    this.sweeper ??= setInterval(() => this.sweep(), TICK_MS);
  }

  private stopSweeping(): void {
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }
}
