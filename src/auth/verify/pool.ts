import { Piscina } from 'piscina';
import type { AuthCounters } from '../auth-counters.ts';
import type { KeyChoice } from './signature.ts';
import type { VerificationBatch } from './worker.ts';

/** Tokens per batch: a task costs some 30 µs however small; at 64 that is below 1 µs per token, and more gains little. */
const MAX_BATCH = 64;
/** Tokens below which a batch is not split between threads: the second task would cost more than it saves. */
const MIN_SPLIT = 16;
/**
 * Batches per thread under way. A second one, ready for when the first is done, would leave as soon as it could and
 * so stay small: misses that wait for the thread instead fill the next batch, which costs less for each.
 */
const BATCHES_PER_THREAD = 1;
/** Tokens waiting for a batch: about 0.1 s of work for one thread. Each is at most 16 KiB, so 64 MiB at worst. */
const MAX_QUEUE = 4096;
/** Milliseconds before threads that died while starting are started again; doubled each time up to the second. */
const FIRST_RESTART_DELAY = 100;
const LAST_RESTART_DELAY = 5000;

/** `unavailable`: twice no answer, the token was never judged. */
export type VerificationOutcome = 'valid' | 'invalid' | 'unavailable';

export interface VerificationJob {
  readonly token: string;
  readonly choice: KeyChoice;
  /** Called once, never from within `submit`. Must not throw. */
  settle(outcome: VerificationOutcome): void;
}

const workerFile = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Verifies signatures on threads. The jobs of one event-loop turn travel together; while every thread is busy they
 * wait in a bounded queue and leave in larger batches. When a thread dies, its jobs are tried once more, each alone
 * and with nothing beside it, so that a token which kills threads takes no other token with it.
 */
export class VerificationPool {
  /** See `SignatureVerifier.room`; of each thread. */
  room = 0;
  readonly #threads: number;
  readonly #counters: AuthCounters;
  readonly #worker: URL;
  #pool: Piscina<VerificationBatch, string> | undefined;
  #state: 'new' | 'open' | 'broken' | 'closed' = 'new';
  #queue: VerificationJob[] = [];
  #retries: VerificationJob[] = [];
  #running = 0;
  #flushing = false;
  #restarts = 0;
  #restart: NodeJS.Timeout | undefined;
  /** Settles when the threads of given-up pools have ended. */
  #ended: Promise<unknown> = Promise.resolve();

  /** `worker`: the module whose `verifyBatch` runs on the threads. */
  constructor(threads: number, counters: AuthCounters, worker: URL = workerFile) {
    this.#threads = threads;
    this.#counters = counters;
    this.#worker = worker;
  }

  /** Jobs that wait for a batch. */
  get depth(): number {
    return this.#queue.length + this.#retries.length;
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    return this.depth < MAX_QUEUE && this.#state !== 'broken' && this.#state !== 'closed';
  }

  /** Resolves when the threads have answered; rejects when they cannot run. */
  async start(): Promise<void> {
    this.#state = 'open';
    const pool = this.#open();
    const empty: VerificationBatch = { tokens: [], choices: [], choiceOf: [], room: 0 };
    try {
      await Promise.all(Array.from({ length: this.#threads }, () => pool.run(empty)));
    } catch {
      await this.close();
      throw new Error('the verification threads did not start');
    }
    this.#flush();
  }

  /** False when there is no room: the job is then not taken and never settled. */
  submit(job: VerificationJob): boolean {
    if (!this.hasRoom) return false;
    this.#queue.push(job);
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
    return true;
  }

  /** Settles what is left as unavailable and ends all threads. */
  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#restart);
    const pool = this.#pool;
    this.#pool = undefined;
    this.#abandonWaiting();
    // A thread that dies by itself while the pool is being destroyed is replaced by piscina afterwards.
    while (pool !== undefined && pool.threads.length > 0) await pool.destroy();
    await this.#ended;
  }

  #flush(): void {
    if (this.#state === 'broken' || this.#state === 'closed') this.#abandonWaiting();
    if (this.#state !== 'open') return;
    if (this.#retries.length > 0) {
      if (this.#running === 0) this.#run(this.#retries.splice(0, 1), true);
      return;
    }
    const share = Math.max(MIN_SPLIT, Math.ceil(this.#queue.length / this.#threads));
    while (this.#queue.length > 0 && this.#running < this.#threads * BATCHES_PER_THREAD) {
      this.#run(this.#queue.splice(0, Math.min(MAX_BATCH, share)), false);
    }
  }

  #run(jobs: readonly VerificationJob[], again: boolean): void {
    const pool = this.#pool as Piscina<VerificationBatch, string>;
    this.#running += 1;
    this.#counters.verifyBatchSize.observe(jobs.length);
    pool.run(packBatch(jobs, this.room)).then(
      (verdicts) => this.#finish(jobs, again, verdicts),
      // Alone and failed is the end of it, unless the pool was given up under the token.
      () => this.#finish(jobs, again && pool === this.#pool, ''),
    );
  }

  /** `verdicts` is '' when the thread died or its module threw; what it threw may hold a key and is dropped. */
  #finish(jobs: readonly VerificationJob[], last: boolean, verdicts: string): void {
    this.#running -= 1;
    if (verdicts.length === jobs.length) {
      this.#restarts = 0;
      for (const [at, job] of jobs.entries()) job.settle(verdicts[at] === '1' ? 'valid' : 'invalid');
    } else {
      this.#counters.verifierFailures.value += 1;
      if (last || this.#state !== 'open') for (const job of jobs) job.settle('unavailable');
      else this.#retries.push(...jobs);
    }
    this.#flush();
  }

  #abandonWaiting(): void {
    const waiting = [...this.#retries, ...this.#queue];
    this.#retries = [];
    this.#queue = [];
    for (const job of waiting) job.settle('unavailable');
  }

  #open(): Piscina<VerificationBatch, string> {
    const pool = new Piscina<VerificationBatch, string>({
      filename: this.#worker.href,
      name: 'verifyBatch',
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: BATCHES_PER_THREAD,
      recordTiming: false,
      // Compiled, a thread needs none of our own flags, and some of them (--input-type) would stop it; the source
      // needs those that let Node strip types.
      ...(this.#worker.href.endsWith('.ts') ? {} : { execArgv: [] }),
    });
    // Tasks report their own failures; this is a thread that died without one.
    pool.on('error', () => {
      this.#counters.verifierFailures.value += 1;
    });
    // Piscina stops replacing threads once one dies while starting, and tasks queued for it would wait for ever.
    pool.on('workerDestroy', () => setImmediate(() => this.#replaceIfShort(pool)));
    pool.on('workerCreate', () => {
      if (pool !== this.#pool) this.#end(pool);
    });
    this.#pool = pool;
    return pool;
  }

  #replaceIfShort(pool: Piscina<VerificationBatch, string>): void {
    if (pool !== this.#pool || pool.threads.length >= this.#threads) return;
    if (this.#restarts === 0) this.#open();
    else {
      this.#pool = undefined;
      this.#state = 'broken';
      const delay = Math.min(LAST_RESTART_DELAY, FIRST_RESTART_DELAY * 2 ** this.#restarts);
      this.#restart = setTimeout(() => {
        this.#state = 'open';
        this.#open();
      }, delay).unref();
      this.#abandonWaiting();
    }
    this.#restarts += 1;
    // Its tasks fail now and are retried on the new threads.
    this.#end(pool);
  }

  #end(pool: Piscina<VerificationBatch, string>): void {
    this.#ended = Promise.all([this.#ended, pool.destroy()]);
  }
}

function packBatch(jobs: readonly VerificationJob[], room: number): VerificationBatch {
  const indexes = new Map<KeyChoice, number>();
  const choiceOf = jobs.map(({ choice }) => {
    const known = indexes.get(choice);
    if (known !== undefined) return known;
    indexes.set(choice, indexes.size);
    return indexes.size - 1;
  });
  return { tokens: jobs.map(({ token }) => token), choices: [...indexes.keys()], choiceOf, room };
}
