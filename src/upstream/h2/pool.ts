import type { Duplex } from 'node:stream';
import type { UpstreamConfig } from '../../config/upstream-config.ts';
import type { Turn } from '../../lib/turn.ts';
import { ProbePace } from '../probe-pace.ts';
import { type AttemptFailure, isUntaken } from '../retry.ts';
import type { ServerPool } from '../server-pool.ts';
import type { ServerState } from '../server-state.ts';
import { type ConnectionTimes, connectionTimes } from '../ticks.ts';
import type { UpstreamStream } from '../upstream-stream.ts';
import { type H2Fault, ResponseReader } from './response-reader.ts';
import { H2Session } from './session.ts';
import type { SessionOwner } from './session-owner.ts';

export interface H2PoolOptions extends Pick<UpstreamConfig, 'timeouts' | 'reuse'> {
  readonly scheme: 'http' | 'https';
  readonly connect: () => Duplex;
  /** Bytes of a response head. */
  readonly headLimit: number;
  readonly turn: Turn;
  /** Whether the server answers; outlives the pool. */
  readonly state: ServerState;
  readonly onRefusedResponse: (fault: H2Fault) => void;
}

/** The upstream, as the pool of one of its servers sees it. */
export interface H2PoolOwner {
  /** Where a pool that is made later begins to count. */
  readonly tick: number;
  /** More requests may be sent on the sessions. */
  onRoom(pool: H2Pool): void;
  /** A session has ended, so another one may be made. */
  onClosed(pool: H2Pool): void;
}

/** The sessions with one address of an upstream server that speaks HTTP/2. */
export class H2Pool implements SessionOwner<H2Session>, ServerPool {
  /** The tick of the upstream; sessions compare their deadlines with it. */
  tick: number;
  readonly state: ServerState;
  readonly #options: H2PoolOptions;
  readonly #owner: H2PoolOwner;
  readonly #times: ConnectionTimes;
  readonly #reader = new ResponseReader();
  readonly #all = new Set<H2Session>();
  /** The session that took a request last. Requests share it while it has room. */
  #latest: H2Session | undefined;
  readonly #probes = new ProbePace();
  #draining = false;
  #usable = true;

  constructor(options: H2PoolOptions, owner: H2PoolOwner) {
    this.#options = options;
    this.#owner = owner;
    this.tick = owner.tick;
    this.state = options.state;
    this.#times = connectionTimes(options.timeouts);
  }

  /** Sessions. */
  get size(): number {
    return this.#all.size;
  }

  /** Sessions without a request. */
  get idle(): number {
    let idle = 0;
    for (const { isOpen, load } of this.#all) if (isOpen && load === 0) idle += 1;
    return idle;
  }

  /** Requests under way. */
  get load(): number {
    let load = 0;
    for (const session of this.#all) load += session.load;
    return load;
  }

  get hasRoom(): boolean {
    return this.#withRoom() !== undefined;
  }

  isFull(connections: number): boolean {
    return this.size >= connections && !this.hasRoom;
  }

  /** A stream on a session that has room, one that is being made too. A session that is dead has none. */
  take(): UpstreamStream | undefined {
    this.#latest = this.#withRoom();
    return this.#latest?.open();
  }

  /** A stream on a new session. @param alone the session carries one request and ends with it. */
  dial(alone: boolean): UpstreamStream {
    return this.#make(alone).open();
  }

  /** Ends a session without a request. Returns false when there is none. */
  endIdle(): boolean {
    for (const session of this.#all) {
      if (!session.isOpen || session.load > 0) continue;
      session.destroy();
      return true;
    }
    return false;
  }

  /** Offers room to requests that wait. */
  offerRoom(): void {
    if (this.hasRoom) this.#owner.onRoom(this);
  }

  /**
   * Makes a session without a request, which closes once it is established. Returns false when the last one was a moment
   * ago.
   */
  probe(): boolean {
    if (!this.#probes.takes(this.tick)) return false;
    this.#make(true);
    return true;
  }

  /** A tick has passed. */
  sweep(tick: number): void {
    this.tick = tick;
    for (const session of this.#all) session.sweep(tick);
  }

  count(): Readonly<Record<'idle' | 'busy' | 'connecting', number>> {
    let connecting = 0;
    for (const session of this.#all) if (session.state === 'connecting') connecting += 1;
    const { idle } = this;
    return { idle, busy: this.size - idle - connecting, connecting };
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

  /** Whether sessions without a request stay open. */
  get keepsIdle(): boolean {
    return this.#usable && !this.#draining;
  }

  /** Ends every session without a report to its requests. */
  close(): void {
    for (const session of this.#all) session.destroy();
  }

  onRoom(session: H2Session): void {
    if (this.#latest?.hasRoom !== true) this.#latest = session;
    this.#owner.onRoom(this);
  }

  onRefusedResponse(fault: H2Fault): void {
    this.#options.onRefusedResponse(fault);
  }

  onFailure(failure: AttemptFailure): void {
    if (!isUntaken(failure)) this.state.broke(failure.cause);
  }

  onClosed(session: H2Session): void {
    this.#all.delete(session);
    if (this.#latest === session) this.#latest = undefined;
    if (this.state.wantsProbe) this.#probes.failed(this.tick);
    this.#owner.onClosed(this);
  }

  #endAllIdle(): void {
    while (this.endIdle());
  }

  #make(single: boolean): H2Session {
    const { scheme, connect, reuse, headLimit, turn } = this.#options;
    const session = new H2Session({
      scheme,
      connect,
      times: this.#times,
      single: single || !reuse,
      headLimit,
      turn,
      reader: this.#reader,
      owner: this,
    });
    this.#all.add(session);
    return session;
  }

  #withRoom(): H2Session | undefined {
    if (this.#latest?.hasRoom === true) return this.#latest;
    for (const session of this.#all) if (session.hasRoom) return session;
    return undefined;
  }
}
