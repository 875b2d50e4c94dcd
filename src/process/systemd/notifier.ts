import { execFile } from 'node:child_process';
import type { Log } from '../../lib/log.ts';
import { PROGRAM_PATH } from '../process-environment.ts';

/** Milliseconds for one message; it takes a few. */
const TELL_MS = 5_000;

/** Tells systemd how this process is (sd_notify(3)). Each message is sent after the one before; none ever throws. */
export interface Notifier {
  /** Milliseconds within which `alive` must come again and again; undefined: systemd does not wait for it. */
  readonly watchdogMs: number | undefined;
  ready(status: string): void;
  reloading(): void;
  status(text: string): void;
  stopping(): void;
  alive(): void;
  /** Resolves when everything has been told. */
  close(): Promise<void>;
}

/** Undefined where no systemd wants to know. @param path where the program is looked for. */
export function systemdNotifier(
  env: NodeJS.ProcessEnv,
  log: Log,
  path: string = PROGRAM_PATH,
): Notifier | undefined {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return undefined;
  // The program needs no more, and what else is there may be secret.
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
  /** What waits, by kind: a newer word of the same kind takes the place of an older one, so there are five at most. */
  readonly #waiting = new Map<string, readonly string[]>();
  #telling: Promise<void> | undefined;
  #failed = false;

  constructor(watchdogMs: number | undefined, log: Log, env: NodeJS.ProcessEnv) {
    this.watchdogMs = watchdogMs;
    this.#log = log;
    this.#env = env;
  }

  ready(status: string): void {
    this.#tell('state', ['READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`]);
  }

  reloading(): void {
    this.#tell('reloading', ['RELOADING=1']);
  }

  status(text: string): void {
    this.#tell('status', [`STATUS=${text}`]);
  }

  stopping(): void {
    this.#tell('state', ['STOPPING=1']);
  }

  alive(): void {
    this.#tell('alive', ['WATCHDOG=1']);
  }

  async close(): Promise<void> {
    await this.#telling;
  }

  #tell(kind: string, words: readonly string[]): void {
    this.#waiting.delete(kind);
    this.#waiting.set(kind, words);
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tellAll(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [kind, words] = next;
      this.#waiting.delete(kind);
      await this.#run(words);
    }
  }

  #run(words: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      execFile('systemd-notify', [...words], { timeout: TELL_MS, env: this.#env }, (error) => {
        if (error !== null && !this.#failed) {
          this.#failed = true;
          this.#log.error({ error }, 'systemd cannot be told how the gateway is');
        }
        resolve();
      });
    });
  }
}
