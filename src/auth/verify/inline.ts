import type { Clock } from '../../lib/clock.ts';
import { labour } from '../../lib/turn-end.ts';
import type { AuthCounters } from '../auth-counters.ts';
import type { VerificationJob, VerificationOutcome, VerificationPool } from './pool.ts';
import type { SignatureVerifier } from './signature.ts';

/**
 * Milliseconds of one slice, some forty RS256 tokens, while nothing but new tokens comes. Shorter ones cost more for
 * each: 78 µs instead of 64 with a quarter of it. A thread's turn on the one core is longer.
 */
const SLICE_MS = 1;
/** The same while known tokens wait for it in each turn. */
const SHARED_SLICE_MS = 0.25;
/**
 * The same while more than `FLOOD_DEPTH` wait: a new token then costs up to a tenth more, and a known one in the middle
 * of a flood takes 0.7 ms instead of 1.3.
 */
const FLOOD_SLICE_MS = 0.1;
/** Tokens. Twice as many as a hundred busy clients with a new one in every other request have waiting. */
const FLOOD_DEPTH = 128;
/** Tokens waiting: about 0.1 s of work. Each is at most 16 KiB, so 64 MiB at worst. */
const MAX_QUEUE = 4096;

/** Verifies the signatures of tokens that are not known yet. */
export type Verification = Pick<
  VerificationPool,
  'room' | 'depth' | 'hasRoom' | 'start' | 'submit' | 'close'
>;

/**
 * Verifies on the event loop, in slices between which everything else has its turn. With a single core a thread
 * has none of its own: it would only make the processor switch back and forth, which costs more than it spares.
 */
export class InlineVerification implements Verification {
  /** The verifier's own is set by whom it belongs to. */
  room = 0;
  readonly #verifier: SignatureVerifier;
  readonly #counters: AuthCounters;
  readonly #clock: Clock;
  #queue: VerificationJob[] = [];
  #scheduled = false;
  #closed = false;

  constructor(verifier: SignatureVerifier, counters: AuthCounters, clock: Clock) {
    this.#verifier = verifier;
    this.#counters = counters;
    this.#clock = clock;
  }

  /** Jobs that wait. */
  get depth(): number {
    return this.#queue.length;
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    return !this.#closed && this.depth < MAX_QUEUE;
  }

  /** Nothing needs to be started. */
  async start(): Promise<void> {}

  /** False when there is no room: the job is then not taken and never settled. */
  submit(job: VerificationJob): boolean {
    if (!this.hasRoom) return false;
    this.#queue.push(job);
    this.#schedule();
    return true;
  }

  /** Settles what is left as unavailable. */
  async close(): Promise<void> {
    this.#closed = true;
    const waiting = this.#queue;
    this.#queue = [];
    for (const job of waiting) job.settle('unavailable');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    labour(this.#slice);
  }

  readonly #slice = (shared: boolean): void => {
    this.#scheduled = false;
    const outcomes: VerificationOutcome[] = [];
    const end = this.#clock.monotonic() + this.#sliceMs(shared);
    while (outcomes.length < this.depth) {
      outcomes.push(this.#verify(this.#queue[outcomes.length] as VerificationJob));
      if (this.#clock.monotonic() >= end) break;
    }
    // At once, also when there are more: under a steady flood the queue is never empty, and would keep all it ever had.
    const jobs = this.#queue.splice(0, outcomes.length);
    // Only now: what follows a verdict would take the processor's cache from the verifications.
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
      // A key that cannot be used; what the library says about it may hold the key and is dropped.
      this.#counters.verifierFailures.value += 1;
      return 'unavailable';
    }
  }
}
