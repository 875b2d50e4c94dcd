import type { ServerAddress, UpstreamConfig } from '../config/upstream-config.ts';
import type { Turn } from '../lib/turn.ts';
import { Connection } from './h1/connection.ts';
import type { ConnectionOwner } from './h1/connection-owner.ts';
import type { ResponseFault } from './h1/response-parser.ts';
import { SpareHeadReader } from './h1/spare-head-reader.ts';
import { ProbePace } from './probe-pace.ts';
import { type AttemptFailure, isUntaken } from './retry.ts';
import type { ServerPool } from './server-pool.ts';
import type { ServerState } from './server-state.ts';
import { type ConnectionTimes, connectionTimes } from './ticks.ts';
import type { TlsClient } from './tls-client.ts';
import type { UpstreamStream } from './upstream-stream.ts';

export interface PoolOptions extends Omit<UpstreamConfig, 'servers' | 'tls'> {
  readonly address: ServerAddress;
  /** Undefined: plain text. */
  readonly tls: TlsClient | undefined;
  /** Bytes of a response head. */
  readonly headLimit: number;
  readonly readBuffer: Buffer;
  readonly turn: Turn;
  /** Whether the server answers; outlives the pool. */
  readonly state: ServerState;
  /** Called with the parser's fault for each response that it refused. */
  readonly onRefusedResponse: (fault: ResponseFault) => void;
}

/** A connection, as the upstream sees it. */
export interface PooledConnection extends UpstreamStream {
  /** A shareable request may be sent now, although another request is under way. */
  readonly hasRoom: boolean;
  /** Ends the connection without a report to its requests. */
  destroy(): void;
}

/** The upstream, as the pool of one of its servers sees it. */
export interface PoolOwner {
  /** Where a pool that is made later begins to count. */
  readonly tick: number;
  /** Gives a connection that has become idle to a request that waits. Returns false when none waits. */
  assign(connection: PooledConnection, pool: ServerPool): boolean;
  /** Gives the room on a connection in use to requests that wait. */
  share(connection: PooledConnection): void;
  /** A connection has ended, so another one may be made. */
  onClosed(pool: ServerPool): void;
}

/** The connections to one address of an upstream server. */
export class Pool implements ConnectionOwner<Connection>, ServerPool {
  /** The tick of the upstream; connections compare their deadlines with it. */
  tick: number;
  readonly state: ServerState;
  readonly #options: PoolOptions;
  readonly #owner: PoolOwner;
  readonly #times: ConnectionTimes;
  readonly #spareHeadReader = new SpareHeadReader();
  readonly #all = new Set<Connection>();
  /** Last in, first out: the server is least likely to have closed the connection that was used last. */
  readonly #idle: Connection[] = [];
  /** The connection that took a request last. While it has room, requests of one turn leave on it together. */
  #latest: Connection | undefined;
  readonly #probes = new ProbePace();
  /** Connections end with their exchange, because the upstream or the server leaves. */
  #draining = false;
  #usable = true;

  constructor(options: PoolOptions, owner: PoolOwner) {
    this.#options = options;
    this.#owner = owner;
    this.tick = owner.tick;
    this.state = options.state;
    this.#times = connectionTimes(options.timeouts);
  }

  /** Connections. */
  get size(): number {
    return this.#all.size;
  }

  /** Connections without a request. */
  get idle(): number {
    return this.#idle.length;
  }

  /** Connections that carry a request, or are being made for one. */
  get load(): number {
    return this.#all.size - this.#idle.length;
  }

  isFull(connections: number): boolean {
    return this.load >= connections;
  }

  /**
   * An idle connection, or one in use that has room, if the request may share it. Requests of one turn share connections
   * where they may: each write costs upstream and the gateway more than its content. Otherwise an idle connection comes
   * first, since no request is queued on it.
   */
  take(mayShare: boolean, fresh: boolean): PooledConnection | undefined {
    if (fresh) return undefined;
    if (!mayShare) return this.#idle.pop();
    if (this.#latest?.hasUnsentRoom === true) return this.#latest;
    this.#latest = this.#idle.pop() ?? this.#withRoom();
    return this.#latest;
  }

  /** A new connection. @param alone it carries one request and ends with it. */
  dial(alone: boolean): PooledConnection {
    const { address, tls, pipelining, reuse, headLimit, readBuffer, turn } = this.#options;
    const connection = new Connection({
      address,
      tls,
      times: this.#times,
      depth: pipelining,
      single: alone || !reuse,
      headLimit,
      readBuffer,
      turn,
      spareHeadReader: this.#spareHeadReader,
      owner: this,
    });
    this.#all.add(connection);
    return connection;
  }

  /** Ends the connection that has been idle longest. Returns false when none is idle. */
  endIdle(): boolean {
    const [oldest] = this.#idle;
    oldest?.destroy();
    return oldest !== undefined;
  }

  /** Offers room on connections in use to requests that wait. */
  offerRoom(): void {
    // Without pipelining no connection ever has room.
    if (!this.#usable || this.#options.pipelining <= 1) return;
    for (const connection of this.#all) this.#owner.share(connection);
  }

  /**
   * Makes a connection without a request, which closes once it is established. Returns false when the last one was a
   * moment ago.
   */
  probe(): boolean {
    if (!this.#probes.takes(this.tick)) return false;
    this.dial(true);
    return true;
  }

  /** A tick has passed. */
  sweep(tick: number): void {
    this.tick = tick;
    for (const connection of [...this.#all]) {
      if (connection.deadline <= tick) connection.expire();
      else if (connection.releaseAt <= tick) connection.release();
    }
  }

  count(): Readonly<Record<'idle' | 'busy' | 'connecting', number>> {
    let connecting = 0;
    for (const connection of this.#all) if (connection.state === 'connecting') connecting += 1;
    return { idle: this.idle, busy: this.load - connecting, connecting };
  }

  drain(): void {
    this.#draining = true;
    this.#endAllIdle();
  }

  get usable(): boolean {
    return this.#usable;
  }

  set usable(usable: boolean) {
    this.#usable = usable;
    if (!usable) this.#endAllIdle();
  }

  /** Ends every connection without a report to its requests. */
  close(): void {
    for (const connection of [...this.#all]) connection.destroy();
  }

  onReusable(connection: Connection): void {
    if (this.#owner.assign(connection, this)) return;
    if (this.#usable && !this.#draining) this.#idle.push(connection);
    else connection.destroy();
  }

  onRoom(connection: Connection): void {
    if (this.#usable) this.#owner.share(connection);
  }

  onRefusedResponse(fault: ResponseFault): void {
    this.#options.onRefusedResponse(fault);
  }

  onFailure(failure: AttemptFailure): void {
    if (!isUntaken(failure)) this.state.broke(failure.cause);
  }

  onClosed(connection: Connection): void {
    this.#all.delete(connection);
    if (this.#latest === connection) this.#latest = undefined;
    if (this.state.wantsProbe) this.#probes.failed(this.tick);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#owner.onClosed(this);
  }

  #endAllIdle(): void {
    for (const connection of [...this.#idle]) connection.destroy();
  }

  #withRoom(): Connection | undefined {
    for (const connection of this.#all) if (connection.hasRoom) return connection;
    return undefined;
  }
}
