import type { Pending, Permit, Rejection, VerdictWaiter } from '../auth/verdict.ts';
import type { RequestHead } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import { GOING_AWAY, POLICY_VIOLATION } from '../http/websocket/close-frame.ts';
import type { Clock } from '../lib/clock.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Timers } from '../lib/timers.ts';
import { reasons } from '../reasons.ts';
import { Calendar } from './calendar.ts';
import { type Ending, Tunnel, type TunnelOwner } from './tunnel.ts';

/** Milliseconds between two looks at revocations, keys and ends: a tunnel must end within a second. */
const TICK_MS = 200;
/** Milliseconds for the Close frame to leave between two frames of the server, before both sides are cut. */
const CLOSE_MS = 700;
/** Tunnels that are judged again in one tick; a judgement of a known token takes some microseconds. */
const JUDGED_A_TICK = 10_000;
/** Seconds after which a token is judged again whose verdict or whose end is not known now. */
const AGAIN_SECONDS = 1;

/** The judge of the requests that opened tunnels, by the configuration in force. */
export interface TunnelJudge {
  /** Differs after each change of revocations and keys, which may turn a verdict. */
  readonly version: number;
  /** The verdict for the request now; `gone`: its route does not exist any more. */
  judge(route: string, head: RequestHead, waiter: VerdictWaiter): Permit | Rejection | Pending | 'gone';
  /** See `Authorizer.endOf`. */
  endOf(route: string, head: RequestHead): number | undefined;
}

/** A request that has become a tunnel. */
export interface Opened {
  readonly head: RequestHead;
  readonly route: string;
  readonly client: TunnelSide;
  readonly upstream: TunnelSide;
  readonly isWebSocket: boolean;
  /** Called once, when it has ended. */
  readonly onEnd: (tunnel: Tunnel) => void;
}

export interface TunnelsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly judge: TunnelJudge;
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
export class Tunnels implements TunnelOwner {
  now: number;
  /** Tunnels that have ended, by the reason. */
  readonly ends = new CounterFamily();
  /** Tunnels that may be open. */
  limit = 0;
  /** Milliseconds without a byte in either direction. */
  idleMs = 0;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #judge: TunnelJudge;
  readonly #onIdle: () => void;
  readonly #open = new Map<Tunnel, Opened>();
  readonly #due: Calendar<Tunnel>;
  /** Those that are to be judged again. */
  #unjudged: Tunnel[] = [];
  #version = 0;
  #stop: (() => void) | undefined;
  #draining: Draining | undefined;
  #closed = false;

  constructor({ clock, timers, judge, onIdle }: TunnelsOptions) {
    this.#onIdle = onIdle;
    this.#clock = clock;
    this.#timers = timers;
    this.#judge = judge;
    this.now = clock.monotonic();
    this.#due = new Calendar(clock.wall() / 1000);
  }

  get size(): number {
    return this.#open.size;
  }

  /** How many are about to end. */
  get ending(): number {
    let count = 0;
    for (const { ending } of this.#open.keys()) if (ending) count += 1;
    return count;
  }

  /** No more tunnels may be opened now. */
  get full(): boolean {
    return this.#closed || this.#draining !== undefined || this.#open.size >= this.limit;
  }

  /** How many are open, by route. */
  count(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { route } of this.#open.values()) counts.set(route, (counts.get(route) ?? 0) + 1);
    return counts;
  }

  /** Carries what comes from both sides. */
  open(opened: Opened): void {
    this.now = this.#clock.monotonic();
    const tunnel = new Tunnel(opened.client, opened.upstream, opened.isWebSocket, this);
    this.#open.set(tunnel, opened);
    // Since the verdict on its request, upstream has taken its time: the token may have been revoked.
    this.#unjudged.push(tunnel);
    this.#draining?.left.push(tunnel);
    this.#tickLater();
    tunnel.start();
  }

  /** Judges the requests of all tunnels again, from the next tick on. */
  judgeAll(): void {
    // Those that wait come first: with one change after another, the last would never have their turn.
    const waiting = new Set(this.#unjudged);
    for (const tunnel of this.#open.keys()) if (!waiting.has(tunnel)) this.#unjudged.push(tunnel);
  }

  /**
   * Asks clients to go, spread over a time, so that they do not all come back at once.
   * @param afterMs before the first of them.
   */
  drain(afterMs: number, spreadMs: number): void {
    if (this.#draining !== undefined) return;
    this.now = this.#clock.monotonic();
    const from = this.now + afterMs;
    this.#draining = { from, spreadMs, left: [...this.#open.keys()], all: this.#open.size };
    this.#askToGo();
  }

  /** Cuts all of them. */
  close(): void {
    this.#closed = true;
    for (const tunnel of this.#open.keys()) tunnel.cut('draining');
    this.#stop?.();
  }

  onOver(tunnel: Tunnel): void {
    const opened = this.#open.get(tunnel);
    if (opened === undefined) return;
    this.#open.delete(tunnel);
    this.#due.delete(tunnel);
    this.ends.of(tunnel.endedBy as string).value += 1;
    opened.onEnd(tunnel);
    if (this.#open.size === 0) this.#onIdle();
  }

  #tickLater(): void {
    this.#stop ??= this.#timers.after(TICK_MS, () => {
      this.#stop = undefined;
      this.#tick();
      if (this.#open.size > 0 && !this.#closed) this.#tickLater();
    });
  }

  #tick(): void {
    this.now = this.#clock.monotonic();
    const { version } = this.#judge;
    if (version !== this.#version) this.judgeAll();
    this.#version = version;
    this.#askToGo();
    for (const tunnel of this.#due.take(this.#clock.wall() / 1000)) this.#review(tunnel);
    for (const tunnel of this.#unjudged.splice(0, JUDGED_A_TICK)) this.#judgeAgain(tunnel);
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

  /** Its time may be over: that of its token, or the time for which nothing moves. */
  #review(tunnel: Tunnel): void {
    const idleMs = this.now - tunnel.movedAt;
    if (idleMs >= this.idleMs) this.#finish(tunnel, { reason: 'tunnel_idle', code: GOING_AWAY });
    else this.#judgeAgain(tunnel);
  }

  #judgeAgain(tunnel: Tunnel): void {
    const opened = this.#open.get(tunnel);
    if (opened === undefined || tunnel.ending) return;
    const verdict = this.#judge.judge(opened.route, opened.head, {
      onVerdict: (later) => this.#take(tunnel, opened, later),
    });
    if (verdict === 'gone') this.#finish(tunnel, { reason: 'route_not_found', code: GOING_AWAY });
    else if (verdict.kind === 'pending') this.#wait(tunnel);
    else this.#take(tunnel, opened, verdict);
  }

  #take(tunnel: Tunnel, opened: Opened, verdict: Permit | Rejection): void {
    if (!this.#open.has(tunnel) || tunnel.ending) return;
    if (verdict.kind === 'permit') this.#plan(tunnel, opened);
    else if (reasons[verdict.reason].status === 503) this.#wait(tunnel);
    else this.#finish(tunnel, { reason: verdict.reason, code: POLICY_VIOLATION });
  }

  /** There is no verdict now. The token is as good as before, but not beyond its end. */
  #wait(tunnel: Tunnel): void {
    const now = this.#clock.wall() / 1000;
    if (tunnel.expiresAt === undefined || now < tunnel.expiresAt) this.#due.set(tunnel, now + AGAIN_SECONDS);
    else this.#finish(tunnel, { reason: 'token_expired', code: POLICY_VIOLATION });
  }

  /** Sets when the tunnel must be looked at again. */
  #plan(tunnel: Tunnel, { route, head }: Opened): void {
    const now = this.#clock.wall() / 1000;
    tunnel.expiresAt = this.#judge.endOf(route, head) ?? tunnel.expiresAt;
    const end = tunnel.expiresAt ?? now + AGAIN_SECONDS;
    const idle = now + (this.idleMs - (this.now - tunnel.movedAt)) / 1000;
    this.#due.set(tunnel, Math.min(end, idle));
  }

  #finish(tunnel: Tunnel, ending: Ending): void {
    if (!this.#open.has(tunnel)) return;
    tunnel.finish(ending);
    if (this.#open.has(tunnel)) this.#timers.after(CLOSE_MS, () => tunnel.cut(ending.reason));
  }
}
