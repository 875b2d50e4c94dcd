import { Piscina } from 'piscina';
import type { KeyChoice } from '../../keys/key.ts';
import type { AuthCounters } from '../auth-counters.ts';
import type { Verification, VerificationJob } from './verification.ts';
import type { VerificationBatch } from './worker.ts';

/** Tokens in a batch. A task costs 30 µs however small it is; with 64 tokens that is below 1 µs for each. */
const MAX_BATCH = 64;
/** Tokens. A smaller batch is not split between threads: the second task would cost more than it saves. */
const MIN_SPLIT = 16;
/**
 * Batches that a thread has at a time. With a second one waiting at the thread, batches would leave early and stay
 * small. Tokens that wait here instead fill the next batch, which costs less for each.
 */
const BATCHES_PER_THREAD = 1;
/** Tokens that wait for a batch: 0.1 s of work for one thread. Each has at most 16 KiB: 64 MiB at worst. */
const MAX_QUEUE = 4096;
/**
 * Milliseconds until threads that died at their start are started again. The delay doubles with each failure, from the
 * first to the last.
 */
const FIRST_RESTART_DELAY = 100;
const LAST_RESTART_DELAY = 5000;

const workerFile = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Verifies signatures on threads. The jobs of one event-loop turn travel together. While every thread is busy, jobs
 * wait and leave in larger batches. When a thread dies, each of its jobs is tried once more, alone and with no other
 * batch under way: a token that kills threads takes no other token with it.
 */
export class VerificationPool implements Verification {
  keyCapacity = 0;
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
  /** Settles when the threads of replaced pools have ended. */
  #ended: Promise<unknown> = Promise.resolve();

  /** @param worker the module whose `verifyBatch` runs on the threads. */
  constructor(threads: number, counters: AuthCounters, worker: URL = workerFile) {
    this.#threads = threads;
    this.#counters = counters;
    this.#worker = worker;
  }

  get depth(): number {
    return this.#queue.length + this.#retries.length;
  }

  get hasRoom(): boolean {
    return this.depth < MAX_QUEUE && this.#state !== 'broken' && this.#state !== 'closed';
  }

  /** Resolves when every thread has run a task; rejects when the threads cannot run. */
  async start(): Promise<void> {
    this.#state = 'open';
    const pool = this.#open();
    const empty: VerificationBatch = { tokens: [], choices: [], choiceOf: [], keyCapacity: 0 };
    try {
      await Promise.all(Array.from({ length: this.#threads }, () => pool.run(empty)));
    } catch {
      await this.close();
      throw new Error('the verification threads did not start');
    }
    this.#flush();
  }

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

  async close(): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#restart);
    const pool = this.#pool;
    this.#pool = undefined;
    this.#abandonWaiting();
    // Piscina replaces a thread that dies by itself while the pool is being destroyed.
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
    pool.run(packBatch(jobs, this.keyCapacity)).then(
      (verdicts) => this.#finish(jobs, again, verdicts),
      // A job that fails alone is not retried, unless its pool was replaced meanwhile.
      () => this.#finish(jobs, again && pool === this.#pool, ''),
    );
  }

  /** @param verdicts '' when the thread died or its module threw. The error may hold a key and is dropped. */
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
      // A compiled thread needs none of this process's flags, and some (--input-type) would stop it. A thread that runs
      // the source needs the flags by which Node strips types.
      ...(this.#worker.href.endsWith('.ts') ? {} : { execArgv: [] }),
    });
    // Tasks report their own failures. This event is a thread that died without a task.
    pool.on('error', () => {
      this.#counters.verifierFailures.value += 1;
    });
    // After a thread has died at its start, Piscina replaces no thread, and queued tasks would wait for ever.
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
    // The tasks of the replaced pool fail now and are retried on the new threads.
    this.#end(pool);
  }

  #end(pool: Piscina<VerificationBatch, string>): void {
    this.#ended = Promise.all([this.#ended, pool.destroy()]);
  }
}

function packBatch(jobs: readonly VerificationJob[], keyCapacity: number): VerificationBatch {
  const indexes = new Map<KeyChoice, number>();
  const choiceOf = jobs.map(({ choice }) => {
    const known = indexes.get(choice);
    if (known !== undefined) return known;
    indexes.set(choice, indexes.size);
    return indexes.size - 1;
  });
  return { tokens: jobs.map(({ token }) => token), choices: [...indexes.keys()], choiceOf, keyCapacity };
}
