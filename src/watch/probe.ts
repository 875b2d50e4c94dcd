import type { Clock } from '../lib/clock.ts';
import type { Slots } from '../lib/slots.ts';
import type { Timers } from '../lib/timers.ts';
import type { Check, CheckResult, CheckTarget } from './check.ts';
import { type LastCheck, ServerHealth } from './server-health.ts';

/** The share by which the time between two checks is shorter than configured, so that checks of many servers spread. */
const JITTER = 0.1;

export interface ProbeSurroundings {
  readonly check: Check;
  readonly clock: Clock;
  readonly timers: Timers;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Bounds the checks at one time. */
  readonly checks: Slots;
}

export interface ProbeEvents {
  readonly onResult: (result: CheckResult) => void;
  /** By this check the server has become healthy or unhealthy. */
  readonly onChange: (last: LastCheck) => void;
}

/** Checks one address of a server again and again, beginning now. */
export class Probe {
  readonly health: ServerHealth;
  readonly #around: ProbeSurroundings;
  readonly #events: ProbeEvents;
  #target: CheckTarget;
  #abort = new AbortController();
  #cancelNext: (() => void) | undefined;
  #isUnderWay = false;
  #closed = false;

  constructor(target: CheckTarget, around: ProbeSurroundings, events: ProbeEvents) {
    this.#target = target;
    this.#around = around;
    this.#events = events;
    this.health = new ServerHealth(around.clock.wall());
    this.#start();
  }

  /** The next check asks this. It begins now if the time between checks has changed. */
  aim(target: CheckTarget): void {
    const before = this.#target;
    this.#target = target;
    if (before.health.intervalMs === target.health.intervalMs || this.#isUnderWay) return;
    this.#cancelNext?.();
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#cancelNext?.();
    this.#abort.abort();
  }

  #start(): void {
    this.#isUnderWay = true;
    void this.#around.checks.run(() => this.#checkOnce());
  }

  async #checkOnce(): Promise<void> {
    if (this.#closed) return;
    const { check, clock, timers, random } = this.#around;
    const target = this.#target;
    const abort = new AbortController();
    this.#abort = abort;
    const startedAt = clock.monotonic();
    // Bytes that have arrived count, also when this process itself was late.
    const stopWaiting = timers.after(target.health.timeoutMs, () => setImmediate(() => abort.abort()));
    const result = await check(target, abort.signal);
    stopWaiting();
    this.#isUnderWay = false;
    if (this.#closed) return;
    const tookMs = clock.monotonic() - startedAt;
    this.#events.onResult(result);
    const last = { result, at: clock.wall(), tookMs };
    if (this.health.take(last, target.health)) this.#events.onChange(last);
    const every = this.#target.health.intervalMs * (1 - JITTER * random());
    this.#cancelNext = timers.after(Math.max(0, every - tookMs), () => this.#start());
  }
}
