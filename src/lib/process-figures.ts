import { systemClock } from './clock.ts';

/** Milliseconds between two measurements of the event loop's delay; stalls that matter last longer. */
const MEASURE_MS = 500;
/**
 * Measurements of one period. The longest delay of the present and the last period is told, so that it is seen by
 * every reader that comes at least twice a minute, however many there are.
 */
const PERIOD = 60;

/** The resources that one process uses, as the system counts them. */
export interface ProcessFigures {
  readonly pid: number;
  /** Seconds since its start. */
  readonly uptimeSeconds: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Longest delay of its event loop in the last 30 s, at least, and 60 s, at most. */
  readonly loopDelaySeconds: number;
}

/** Watches this process until `close`. */
export class ProcessWatch {
  readonly #timer: NodeJS.Timeout;
  #dueAt: number;
  #longestMs = 0;
  /** The same of the period before. */
  #longestBefore = 0;
  #measured = 0;

  constructor() {
    this.#dueAt = systemClock.monotonic() + MEASURE_MS;
    this.#timer = setInterval(() => this.#measure(), MEASURE_MS);
    this.#timer.unref();
  }

  read(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    const late = systemClock.monotonic() - this.#dueAt;
    const loopDelaySeconds = Math.max(this.#longestMs, this.#longestBefore, late, 0) / 1000;
    return {
      pid: process.pid,
      uptimeSeconds: process.uptime(),
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
      loopDelaySeconds,
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    const now = systemClock.monotonic();
    this.#longestMs = Math.max(this.#longestMs, now - this.#dueAt);
    this.#dueAt = now + MEASURE_MS;
    this.#measured += 1;
    if (this.#measured % PERIOD !== 0) return;
    this.#longestBefore = this.#longestMs;
    this.#longestMs = 0;
  }
}
