import { execFile } from 'node:child_process';
import type { Log } from '../../lib/log.ts';
import { PROGRAM_PATH } from '../process-environment.ts';

/** Milliseconds for one message; usually it takes a few. */
const SEND_MS = 5_000;

/** Sends systemd the state of this process (sd_notify(3)), one message after another. Never throws. */
export interface Notifier {
  /** Milliseconds within which `alive` must be called again; undefined when systemd does not watch. */
  readonly watchdogMs: number | undefined;
  ready(status: string): void;
  reloading(): void;
  status(text: string): void;
  stopping(): void;
  alive(): void;
  /** Resolves when everything has been sent. */
  close(): Promise<void>;
}

/** Undefined where no systemd asks for notifications. @param path folders in which the program is searched. */
export function systemdNotifier(
  env: NodeJS.ProcessEnv,
  log: Log,
  path: string = PROGRAM_PATH,
): Notifier | undefined {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return undefined;
  // The program needs no other variables, and others may be secret.
  return new NotifyProgram(watchdogOf(env), log, { NOTIFY_SOCKET: socket, PATH: path });
}

function watchdogOf(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = env;
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const ms = Number(microseconds) / 1000;
  return ms > 0 ? ms : undefined;
}

/**
 * Node.js has no datagram unix sockets. An addon would have to be compiled or fetched for each Node.js and, when it
 * fails, fails in this process; the `systemd-notify` program comes with systemd, fails by itself, and costs
 * some milliseconds every few seconds. It is another process, so the unit needs NotifyAccess=all.
 */
class NotifyProgram implements Notifier {
  readonly watchdogMs: number | undefined;
  readonly #log: Log;
  readonly #env: NodeJS.ProcessEnv;
  /** Messages that wait, by kind. A newer one replaces an older one of its kind, so at most four wait. */
  readonly #waiting = new Map<string, readonly string[]>();
  #sending: Promise<void> | undefined;
  #failed = false;

  constructor(watchdogMs: number | undefined, log: Log, env: NodeJS.ProcessEnv) {
    this.watchdogMs = watchdogMs;
    this.#log = log;
    this.#env = env;
  }

  ready(status: string): void {
    this.#send('state', ['READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`]);
  }

  reloading(): void {
    this.#send('reloading', ['RELOADING=1']);
  }

  status(text: string): void {
    this.#send('status', [`STATUS=${text}`]);
  }

  stopping(): void {
    this.#send('state', ['STOPPING=1']);
  }

  alive(): void {
    this.#send('alive', ['WATCHDOG=1']);
  }

  async close(): Promise<void> {
    await this.#sending;
  }

  #send(kind: string, assignments: readonly string[]): void {
    this.#waiting.delete(kind);
    this.#waiting.set(kind, assignments);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [kind, assignments] = next;
      this.#waiting.delete(kind);
      await this.#run(assignments);
    }
  }

  #run(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      execFile('systemd-notify', [...assignments], { timeout: SEND_MS, env: this.#env }, (error) => {
        if (error !== null && !this.#failed) {
          this.#failed = true;
          this.#log.error({ error }, 'systemd cannot be told how the gateway is');
        }
        resolve();
      });
    });
  }
}
