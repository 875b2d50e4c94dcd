import { Counter, Histogram } from '../lib/counters.ts';

/** What the auth room counts; the admin room renders it. */
export class AuthCounters {
  /** Requests whose token's signature was already known. */
  readonly cacheHits = new Counter();
  /** Requests whose token needed a signature check, or waited for one that was under way. */
  readonly cacheMisses = new Counter();
  /** Tokens per batch sent to a verification thread. */
  readonly verifyBatchSize = new Histogram([1, 2, 4, 8, 16, 32, 64]);
  /** Batches that came back without an answer, and threads that died idle. */
  readonly verifierFailures = new Counter();
}
