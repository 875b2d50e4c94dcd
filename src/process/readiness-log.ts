import type { AdminView } from '../admin/view.ts';
import type { Log } from '../lib/log.ts';

/** Milliseconds between two looks, until the first time that nothing is missing: soon enough for an operator. */
const LOOK_MS = 250;

/** Logs `ready` once, the first time that `/readyz` answers 200, and until then, once, what it waits for. */
export class ReadinessLog {
  readonly #view: AdminView;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;

  /** Begins when every address is bound; looks once before it returns. */
  constructor(view: AdminView, log: Log) {
    this.#view = view;
    this.#log = log;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    const missing = this.#look();
    if (missing.length > 0) log.warn({ notReady: missing }, 'not ready yet');
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): ReturnType<AdminView['notReady']> {
    const missing = this.#view.notReady();
    if (missing.length === 0) {
      this.stop();
      this.#log.info({}, 'ready');
    }
    return missing;
  }
}
