import { Counter, Histogram } from '../lib/counters.ts';

/** The counters of authorization. */
export class AuthCounters {
  /** Requests with a token whose signature was verified before. */
  readonly cacheHits = new Counter();
  /** Requests with a token that needed a signature check, or waited for one under way. */
  readonly cacheMisses = new Counter();
  /** Tokens in each batch that is verified together. */
  readonly verifyBatchSize = new Histogram([1, 2, 4, 8, 16, 32, 64]);
  /** Batches that failed, and threads that died idle. */
  readonly verifierFailures = new Counter();
}
