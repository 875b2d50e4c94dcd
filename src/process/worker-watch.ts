import type { Log } from '../lib/log.ts';
import type { WorkerSet } from './worker-set.ts';

/** Seconds of silence after which a worker counts as hung: no work of its own blocks its event loop that long. */
const HUNG_SECONDS = 10;
/** Milliseconds between two checks of all workers. */
const CHECK_MS = 1_000;
/** Checks between two readings of the counts. If a worker is killed, its counts since the last reading are lost. */
const GATHER_EVERY = 5;

/** Reads the counts of all workers every few seconds, and kills workers that hang. */
export class WorkerWatch {
  readonly #set: WorkerSet;
  readonly #log: Log;
  /** Whether a watchdog ends this process when no worker responds. */
  readonly #watched: boolean;
  #checks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(set: WorkerSet, log: Log, watched: boolean) {
    this.#set = set;
    this.#log = log;
    this.#watched = watched;
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    this.#checks += 1;
    const workers = this.#set.living;
    if (this.#checks % GATHER_EVERY === 0) for (const worker of workers) void worker.gather();
    for (const { channel, index } of workers) {
      if (channel.silentSeconds < HUNG_SECONDS) continue;
      // When no worker responds, the fault is not a worker's, and the watchdog of this process ends the gateway.
      if (this.#watched && !this.#set.isWell) continue;
      this.#log.error(
        { listener: index, pid: channel.pid, seconds: HUNG_SECONDS },
        'a listener hangs and is killed',
      );
      channel.kill('SIGKILL');
    }
  }
}
