import type { AdminView } from '../admin/view.ts';
import type { Log } from '../lib/log.ts';

/** Milliseconds between two checks until the gateway is ready: soon enough for an operator. */
const CHECK_MS = 250;

/** Logs `ready` once, when `/readyz` would first respond with 200. If that is not at once, it logs what is missing. */
export class ReadinessLog {
  readonly #view: AdminView;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;

  /** For a gateway that has bound every address; checks once before it returns. */
  constructor(view: AdminView, log: Log) {
    this.#view = view;
    this.#log = log;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    const missing = this.#check();
    if (missing.length > 0) log.warn({ notReady: missing }, 'not ready yet');
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): ReturnType<AdminView['notReady']> {
    const missing = this.#view.notReady();
    if (missing.length === 0) {
      this.stop();
      this.#log.info({}, 'ready');
    }
    return missing;
  }
}
