import type { Clock } from '../../lib/clock.ts';
import type { Turn } from '../../lib/turn.ts';
import type { AuthCounters } from '../auth-counters.ts';
import type { SignatureVerifier } from './signature.ts';
import type { Verification, VerificationJob, VerificationOutcome } from './verification.ts';

/**
 * Milliseconds of one slice while only new tokens arrive: some forty RS256 tokens. Shorter slices cost more for each
 * token: 78 µs instead of 64 with a quarter of this time.
 */
const SLICE_MS = 1;
/** Milliseconds of one slice while requests with known tokens wait in each turn. */
const SHARED_SLICE_MS = 0.25;
/**
 * Milliseconds of such a slice while more than `FLOOD_DEPTH` tokens wait. A new token then costs up to a tenth more,
 * and a known token in the middle of a flood takes 0.7 ms instead of 1.3.
 */
const FLOOD_SLICE_MS = 0.1;
/** Tokens: twice as many as wait with a hundred busy clients that send a new token with every other request. */
const FLOOD_DEPTH = 128;
/** Tokens that wait: 0.1 s of work. Each has at most 16 KiB: 64 MiB at worst. */
const MAX_QUEUE = 4096;

/**
 * Verifies on the event loop in short slices, between which everything else runs. On a single core a thread would share
 * the core with the event loop, and the switches between the two cost more than they save.
 */
export class InlineVerification implements Verification {
  readonly #verifier: SignatureVerifier;
  readonly #counters: AuthCounters;
  readonly #clock: Clock;
  readonly #turn: Turn;
  #queue: VerificationJob[] = [];
  #scheduled = false;
  #closed = false;

  constructor(verifier: SignatureVerifier, counters: AuthCounters, clock: Clock, turn: Turn) {
    this.#verifier = verifier;
    this.#counters = counters;
    this.#clock = clock;
    this.#turn = turn;
  }

  get depth(): number {
    return this.#queue.length;
  }

  get hasRoom(): boolean {
    return !this.#closed && this.depth < MAX_QUEUE;
  }

  set keyCapacity(keys: number) {
    this.#verifier.keyCapacity = keys;
  }

  async start(): Promise<void> {}

  submit(job: VerificationJob): boolean {
    if (!this.hasRoom) return false;
    this.#queue.push(job);
    this.#schedule();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const waiting = this.#queue;
    this.#queue = [];
    for (const job of waiting) job.settle('unavailable');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#turn.afterWrites(this.#slice);
  }

  readonly #slice = (shared: boolean): void => {
    this.#scheduled = false;
    const outcomes: VerificationOutcome[] = [];
    const end = this.#clock.monotonic() + this.#sliceMs(shared);
    while (outcomes.length < this.depth) {
      outcomes.push(this.#verify(this.#queue[outcomes.length] as VerificationJob));
      if (this.#clock.monotonic() >= end) break;
    }
    // Shortens the queue in each slice: under a steady flood it is never empty, and would keep every job it ever had.
    const jobs = this.#queue.splice(0, outcomes.length);
    // Settles after the last verification: the work behind a verdict would displace the verifications from the
    // processor's cache.
    for (let at = 0; at < jobs.length; at += 1)
      (jobs[at] as VerificationJob).settle(outcomes[at] as VerificationOutcome);
    const tokens = jobs.length;
    if (tokens > 0) this.#counters.verifyBatchSize.observe(tokens);
    if (this.depth > 0) this.#schedule();
  };

  #sliceMs(shared: boolean): number {
    if (!shared) return SLICE_MS;
    return this.depth > FLOOD_DEPTH ? FLOOD_SLICE_MS : SHARED_SLICE_MS;
  }

  #verify({ token, choice }: VerificationJob): VerificationOutcome {
    try {
      return this.#verifier.verify(token, choice) ? 'valid' : 'invalid';
    } catch {
      // The key cannot be used. The library's error may hold the key and is dropped.
      this.#counters.verifierFailures.value += 1;
      return 'unavailable';
    }
  }
}
