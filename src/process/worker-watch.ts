import type { Log } from '../lib/log.ts';
import type { Worker } from './worker.ts';

/** What the watch needs of the workers; see `WorkerSet`. */
interface WatchedSet {
  readonly living: readonly Pick<Worker, 'channel' | 'index' | 'state' | 'gather'>[];
  readonly isWell: boolean;
}

/** Seconds of silence after which a worker counts as hung: no work of its own blocks its event loop that long. */
const HUNG_SECONDS = 10;
/**
 * The same until a worker serves. It loads its program, its keys and its threads first, which takes a second, and much
 * longer beside other starts on a busy machine. Three such kills would end the start of the gateway.
 */
const HUNG_START_SECONDS = 60;
/** Milliseconds between two checks of all workers. */
const CHECK_MS = 1_000;
/** Checks between two readings of the counts. If a worker is killed, its counts since the last reading are lost. */
const GATHER_EVERY = 5;

/** Reads the counts of all workers every few seconds, and kills workers that hang. */
export class WorkerWatch {
  readonly #set: WatchedSet;
  readonly #log: Log;
  /** Whether a watchdog ends this process when no worker responds. */
  readonly #watched: boolean;
  #checks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(set: WatchedSet, log: Log, watched: boolean) {
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
    for (const { channel, index, state } of workers) {
      const seconds = state === 'starting' ? HUNG_START_SECONDS : HUNG_SECONDS;
      if (channel.silentSeconds < seconds) continue;
      // When no worker responds, the fault is not a worker's, and the watchdog of this process ends the gateway.
      if (this.#watched && !this.#set.isWell) continue;
      this.#log.error({ listener: index, pid: channel.pid, seconds }, 'a listener hangs and is killed');
      channel.kill('SIGKILL');
    }
  }
}
