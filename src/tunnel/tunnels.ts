import type { TunnelSide } from '../http/tunnel-side.ts';
import { GOING_AWAY, POLICY_VIOLATION } from '../http/websocket/close-frame.ts';
import type { Clock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Timers } from '../lib/timers.ts';
import type { Reason } from '../reasons.ts';
import {
  TICK_MS,
  TokenWatch,
  type WatchedRequest,
  type WatchOptions,
  type WatchOwner,
} from './token-watch.ts';
import { type Ending, Tunnel, type TunnelOwner } from './tunnel.ts';
import { TunnelCounts, type TunnelRoute } from './tunnel-counts.ts';

/** Milliseconds for the Close frame to leave between two frames of the server, before both sides are cut. */
const CLOSE_MS = 700;

/** A request that has become a tunnel. */
export interface Opened extends WatchedRequest {
  /** See `Authorizer.subjectOf`; undefined also where no bound counts it. */
  readonly subject: string | undefined;
  readonly client: TunnelSide;
  readonly upstream: TunnelSide;
  readonly isWebSocket: boolean;
  /** Called once, when it has ended. */
  readonly onEnd: (tunnel: Tunnel) => void;
}

export interface TunnelsOptions extends WatchOptions {
  /** Called when the last one has ended. */
  readonly onIdle: () => void;
}

/** Tunnels that are asked to go, one by one. */
interface Draining {
  /** Monotonic milliseconds of the first, and milliseconds until the last. */
  readonly from: number;
  readonly spreadMs: number;
  readonly left: Tunnel[];
  readonly all: number;
}

/** The tunnels of one process. Ends those whose token ends, whose route goes, and those through which nothing moves. */
export class Tunnels implements TunnelOwner, WatchOwner<Tunnel> {
  now: number;
  /** Tunnels that have ended, by the reason. */
  readonly ends = new CounterFamily();
  /** Tunnels that may be open. */
  limit = 0;
  /** Milliseconds without a byte in either direction. */
  idleMs = 0;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onIdle: () => void;
  readonly #watch: TokenWatch<Tunnel, Opened>;
  readonly #counts = new TunnelCounts();
  #draining: Draining | undefined;
  #closed = false;

  constructor(options: TunnelsOptions) {
    this.#onIdle = options.onIdle;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.now = options.clock.monotonic();
    this.#watch = new TokenWatch(options, this);
  }

  get size(): number {
    return this.#watch.requests.size;
  }

  /** How many are about to end. */
  get ending(): number {
    return this.#watch.ending;
  }

  /** Whether one more may be opened now. @param subject as of `Opened`. */
  admits(route: TunnelRoute, subject: string | undefined): boolean {
    if (this.#closed || this.#draining !== undefined || this.size >= this.limit) return false;
    return this.#counts.admits(route, subject);
  }

  /** How many are open, by route. */
  count(): ReadonlyMap<string, number> {
    return this.#counts.byRoute;
  }

  /** Subjects with an open tunnel, as far as they are counted. */
  get subjects(): number {
    return this.#counts.subjects;
  }

  /** Carries what comes from both sides. */
  open(opened: Opened): void {
    this.now = this.#clock.monotonic();
    const tunnel = new Tunnel(opened.client, opened.upstream, opened.isWebSocket, this);
    this.#counts.add(opened.route, opened.subject);
    this.#watch.add(tunnel, opened);
    this.#draining?.left.push(tunnel);
    tunnel.start();
  }

  /** Judges the requests of all tunnels again, from the next tick on. */
  judgeAll(): void {
    this.#watch.judgeAll();
  }

  /**
   * Asks clients to go, spread over a time, so that they do not all come back at once.
   * @param afterMs before the first of them.
   */
  drain(afterMs: number, spreadMs: number): void {
    if (this.#draining !== undefined) return;
    this.now = this.#clock.monotonic();
    const from = this.now + afterMs;
    this.#draining = { from, spreadMs, left: [...this.#watch.requests.keys()], all: this.size };
    this.#askToGo();
  }

  /** Cuts all of them. */
  close(): void {
    this.#closed = true;
    for (const tunnel of this.#watch.requests.keys()) tunnel.cut('draining');
    this.#watch.close();
  }

  onOver(tunnel: Tunnel): void {
    const opened = this.#watch.delete(tunnel);
    if (opened === undefined) return;
    this.#counts.remove(opened.route, opened.subject);
    this.ends.of(tunnel.endedBy as string).value += 1;
    opened.onEnd(tunnel);
    if (this.size === 0) this.#onIdle();
  }

  onTick(): void {
    this.now = this.#clock.monotonic();
    this.#askToGo();
  }

  idleMsLeft(tunnel: Tunnel): number {
    return this.idleMs - (this.now - tunnel.movedAt);
  }

  onIdle(tunnel: Tunnel): void {
    this.#finish(tunnel, { reason: 'tunnel_idle', code: GOING_AWAY });
  }

  onRefused(tunnel: Tunnel, reason: Reason): void {
    this.#finish(tunnel, { reason, code: reason === 'route_not_found' ? GOING_AWAY : POLICY_VIOLATION });
  }

  /** Ends as many tunnels as are due to go by now. */
  #askToGo(): void {
    const draining = this.#draining;
    if (draining === undefined || this.now < draining.from) return;
    const { from, spreadMs, left, all } = draining;
    const share = spreadMs <= 0 ? 1 : Math.min(1, (this.now - from + TICK_MS) / spreadMs);
    const kept = Math.floor(all * (1 - share));
    for (const tunnel of left.splice(kept)) this.#finish(tunnel, { reason: 'draining', code: GOING_AWAY });
  }

  #finish(tunnel: Tunnel, ending: Ending): void {
    if (!this.#watch.requests.has(tunnel)) return;
    tunnel.finish(ending);
    if (this.#watch.requests.has(tunnel)) this.#timers.after(CLOSE_MS, () => tunnel.cut(ending.reason));
  }
}
