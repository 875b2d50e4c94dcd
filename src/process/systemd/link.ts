import type { Figures } from '../../admin/figures.ts';
import type { AdminView } from '../../admin/view.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { type Notifier, systemdNotifier } from './notifier.ts';

/** Milliseconds between two status lines. */
const STATUS_MS = 5_000;
/** Watchdog pings in the time that systemd allows for one. */
const PINGS = 2;

/** The supervisor, as systemd sees it. */
export interface Supervised {
  /** Whether any worker responds. */
  readonly isWell: boolean;
  readonly gateway: {
    readonly config: { readonly listeners: number };
    readonly view: Pick<AdminView, 'gather' | 'configuration'>;
  };
}

/** Informs systemd of a supervisor, where systemd asks for it. */
export class SystemdLink {
  readonly #notifier: Notifier | undefined;
  readonly #supervisor: () => Supervised;
  readonly #timers: NodeJS.Timeout[] = [];
  #stopping = false;
  /** Settles when the status line has been handed over. */
  #status: Promise<void> = Promise.resolve();
  #lastAt = 0;
  #lastRequests = 0;

  constructor(env: NodeJS.ProcessEnv, log: Log, supervisor: () => Supervised, path?: string) {
    this.#notifier = systemdNotifier(env, log, path);
    this.#supervisor = supervisor;
  }

  /** Whether systemd ends this process when it is not well. */
  get watches(): boolean {
    return this.#notifier?.watchdogMs !== undefined;
  }

  /** The gateway serves, at its start or after `reloading`. Has no effect while it stops. */
  ready(): void {
    const notifier = this.#notifier;
    if (notifier === undefined || this.#stopping) return;
    notifier.ready('serving');
    if (this.#timers.length > 0) {
      this.#status = this.#sendStatus(notifier);
      return;
    }
    this.#timers.push(setInterval(() => void this.#sendStatus(notifier), STATUS_MS));
    void this.#sendStatus(notifier);
    const { watchdogMs } = notifier;
    if (watchdogMs === undefined) return;
    // When all workers hang, no ping is sent, and systemd restarts the gateway.
    const ping = (): void => {
      if (this.#supervisor().isWell) notifier.alive();
    };
    this.#timers.push(setInterval(ping, watchdogMs / PINGS));
    ping();
  }

  reloading(): void {
    if (!this.#stopping) this.#notifier?.reloading();
  }

  stopping(): void {
    this.#stopping = true;
    this.#notifier?.stopping();
  }

  /** Resolves when systemd has received everything so far. */
  async delivered(): Promise<void> {
    await this.#status;
    await this.#notifier?.close();
  }

  /** Resolves when systemd has received everything. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#notifier?.close();
  }

  async #sendStatus(notifier: Notifier): Promise<void> {
    const { figures, workers } = await this.#supervisor().gateway.view.gather();
    const serving = workers.filter(({ state }) => state === 'serving').length;
    notifier.status(
      `${serving} of ${this.#supervisor().gateway.config.listeners} listeners serve; ${this.#rate(figures)}; ` +
        `${figures.connections} connections, ${figures.cacheEntries} tokens cached${this.#reload()}`,
    );
  }

  /** A text only if the last reload failed, so that the file and the configuration in force differ. */
  #reload(): string {
    const { lastReload } = this.#supervisor().gateway.view.configuration();
    if (lastReload === undefined || lastReload.ok) return '';
    const { at, faults } = lastReload;
    return `; the reload at ${new Date(at).toISOString()} failed: ${faults[0] ?? ''}`;
  }

  #rate({ requests }: Figures): string {
    const total = requests.reduce((sum, { count }) => sum + count, 0);
    const now = systemClock.monotonic();
    const rate = this.#lastAt === 0 ? 0 : ((total - this.#lastRequests) * 1000) / (now - this.#lastAt);
    this.#lastAt = now;
    this.#lastRequests = total;
    return `${total} requests, ${Math.max(0, rate).toFixed(0)}/s`;
  }
}
