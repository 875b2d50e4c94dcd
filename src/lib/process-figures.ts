import { systemClock } from './clock.ts';

/** Milliseconds between two measurements of the event loop's delay; stalls that matter last longer. */
const MEASURE_MS = 500;

/** The resources that one process uses, as the system counts them. */
export interface ProcessFigures {
  readonly pid: number;
  /** Seconds since its start. */
  readonly uptimeSeconds: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Longest delay of its event loop since the last `read`. */
  readonly loopDelaySeconds: number;
}

/** Watches this process until `close`. */
export class ProcessWatch {
  readonly #timer: NodeJS.Timeout;
  #dueAt: number;
  #longestMs = 0;

  constructor() {
    this.#dueAt = systemClock.monotonic() + MEASURE_MS;
    this.#timer = setInterval(() => this.#measure(), MEASURE_MS);
    this.#timer.unref();
  }

  read(): ProcessFigures {
    const { user, system } = process.cpuUsage();
    const loopDelaySeconds = Math.max(this.#longestMs, systemClock.monotonic() - this.#dueAt, 0) / 1000;
    this.#longestMs = 0;
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
  }
}
