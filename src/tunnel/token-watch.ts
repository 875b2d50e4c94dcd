import type { Pending, Permit, Rejection, VerdictWaiter } from '../auth/verdict.ts';
import type { RequestHead } from '../http/message.ts';
import type { Clock } from '../lib/clock.ts';
import type { Timers } from '../lib/timers.ts';
import { type Reason, reasons } from '../reasons.ts';
import { Calendar } from './calendar.ts';

/** Milliseconds between two looks at revocations, keys and ends: what has lost its permit must end within a second. */
export const TICK_MS = 200;
/** Requests that are judged again in one tick; a judgement of a known token takes some microseconds. */
const JUDGED_A_TICK = 10_000;
/** Seconds after which a token is judged again whose verdict or whose end is not known now. */
const AGAIN_SECONDS = 1;

/** The judge of requests that were let in before, by the configuration in force. */
export interface RequestJudge {
  /** Differs after each change of revocations and keys, which may turn a verdict. */
  readonly version: number;
  /**
   * The verdict for the request now. `gone`: its route does not exist any more. `kept`: the route lets it outlive its
   * token.
   */
  judge(
    route: string,
    head: RequestHead,
    waiter: VerdictWaiter,
  ): Permit | Rejection | Pending | 'gone' | 'kept';
  /** See `Authorizer.endOf`. */
  endOf(route: string, head: RequestHead): number | undefined;
}

/** What lasts as long as its request is permitted. */
export interface Watched {
  /** Wall-clock seconds at which its token ends; undefined where that was never known. */
  expiresAt: number | undefined;
  /** It is about to end, so it is not judged again. */
  readonly ending: boolean;
}

/** A request that was let in. */
export interface WatchedRequest {
  readonly head: RequestHead;
  readonly route: string;
}

export interface WatchOwner<T> {
  /** Called in each tick, before anything is judged. */
  onTick(): void;
  /** Milliseconds until a thing must end because nothing moves; Infinity where that does not matter. */
  idleMsLeft(thing: T): number;
  /** That time is over. */
  onIdle(thing: T): void;
  /** Its request is not permitted any more. */
  onRefused(thing: T, reason: Reason): void;
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly judge: RequestJudge;
}

/**
 * Judges requests again that were let in before: at the end of their tokens, after a revocation, a change of keys, and a
 * reload. A hundred thousand of them need one timer.
 */
export class TokenWatch<T extends Watched, R extends WatchedRequest = WatchedRequest> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #judge: RequestJudge;
  readonly #owner: WatchOwner<T>;
  readonly #things = new Map<T, R>();
  readonly #due: Calendar<T>;
  /** Those that are to be judged again. The first to wait is the first to be judged, however often others join. */
  readonly #unjudged = new Set<T>();
  #version = 0;
  #stop: (() => void) | undefined;
  #closed = false;

  constructor({ clock, timers, judge }: WatchOptions, owner: WatchOwner<T>) {
    this.#clock = clock;
    this.#timers = timers;
    this.#judge = judge;
    this.#owner = owner;
    this.#due = new Calendar(clock.wall() / 1000);
  }

  /** All that are watched, with their requests. */
  get requests(): ReadonlyMap<T, R> {
    return this.#things;
  }

  /** How many are about to end. */
  get ending(): number {
    let count = 0;
    for (const { ending } of this.#things.keys()) if (ending) count += 1;
    return count;
  }

  add(thing: T, request: R): void {
    this.#things.set(thing, request);
    // Since the verdict on its request, upstream has taken its time: the token may have been revoked.
    this.#unjudged.add(thing);
    this.#tickLater();
  }

  /** It has ended. Returns its request; undefined when it was not watched. */
  delete(thing: T): R | undefined {
    const request = this.#things.get(thing);
    this.#things.delete(thing);
    this.#unjudged.delete(thing);
    this.#due.delete(thing);
    return request;
  }

  /** Judges all requests again, from the next tick on. */
  judgeAll(): void {
    for (const thing of this.#things.keys()) this.#unjudged.add(thing);
  }

  /** Judges nothing any more. */
  close(): void {
    this.#closed = true;
    this.#stop?.();
  }

  #tickLater(): void {
    if (this.#closed) return;
    this.#stop ??= this.#timers.after(TICK_MS, () => {
      this.#stop = undefined;
      this.#tick();
      if (this.#things.size > 0) this.#tickLater();
    });
  }

  #tick(): void {
    const { version } = this.#judge;
    if (version !== this.#version) this.judgeAll();
    this.#version = version;
    this.#owner.onTick();
    for (const thing of this.#due.take(this.#clock.wall() / 1000)) this.#review(thing);
    let left = JUDGED_A_TICK;
    for (const thing of this.#unjudged) {
      if (left === 0) break;
      left -= 1;
      this.#unjudged.delete(thing);
      this.#judgeAgain(thing);
    }
  }

  /** Its time may be over: that of its token, or the time for which nothing moves. */
  #review(thing: T): void {
    if (this.#owner.idleMsLeft(thing) <= 0) this.#owner.onIdle(thing);
    else this.#judgeAgain(thing);
  }

  #judgeAgain(thing: T): void {
    const request = this.#things.get(thing);
    if (request === undefined || thing.ending) return;
    const verdict = this.#judge.judge(request.route, request.head, {
      onVerdict: (later) => this.#take(thing, later),
    });
    if (verdict === 'gone') this.#owner.onRefused(thing, 'route_not_found');
    else if (verdict === 'kept') this.#plan(thing, Number.POSITIVE_INFINITY);
    else if (verdict.kind === 'pending') this.#wait(thing);
    else this.#take(thing, verdict);
  }

  #take(thing: T, verdict: Permit | Rejection): void {
    const request = this.#things.get(thing);
    if (request === undefined || thing.ending) return;
    if (verdict.kind === 'permit') {
      thing.expiresAt = this.#judge.endOf(request.route, request.head) ?? thing.expiresAt;
      this.#plan(thing, thing.expiresAt ?? this.#clock.wall() / 1000 + AGAIN_SECONDS);
    } else if (reasons[verdict.reason].status === 503) this.#wait(thing);
    else this.#owner.onRefused(thing, verdict.reason);
  }

  /** There is no verdict now. The token is as good as before, but not beyond its end. */
  #wait(thing: T): void {
    const now = this.#clock.wall() / 1000;
    if (thing.expiresAt === undefined || now < thing.expiresAt) this.#due.set(thing, now + AGAIN_SECONDS);
    else this.#owner.onRefused(thing, 'token_expired');
  }

  /** Sets when it must be looked at again. @param end wall-clock seconds at which its token ends. */
  #plan(thing: T, end: number): void {
    const idle = this.#clock.wall() / 1000 + this.#owner.idleMsLeft(thing) / 1000;
    const next = Math.min(end, idle);
    if (next === Number.POSITIVE_INFINITY) this.#due.delete(thing);
    else this.#due.set(thing, next);
  }
}
