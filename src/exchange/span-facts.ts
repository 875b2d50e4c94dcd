import type { Authorizer } from '../auth/authorizer.ts';
import type { Policy } from '../auth/policy/policy.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from '../auth/verdict.ts';
import type { RequestHead } from '../http/message.ts';
import type { Clock } from '../lib/clock.ts';

/** What the span of an exchange says beside the access log; for exchanges that are traced alone. */
export class SpanFacts {
  /** Wall-clock milliseconds of its beginning. */
  readonly startedAt: number;
  /** The token was known as verified; undefined: none was asked for. */
  cached: boolean | undefined;
  /** From the question to the verdict on a token that was not known. */
  verificationMs: number | undefined;
  readonly #authorizer: Authorizer;
  readonly #clock: Clock;
  #askedAt = 0;

  constructor(authorizer: Authorizer, clock: Clock) {
    this.#authorizer = authorizer;
    this.#clock = clock;
    this.startedAt = clock.wall();
  }

  /** See `Authorizer.authorize`. */
  authorize(policy: Policy, head: RequestHead, waiter: VerdictWaiter): Permit | Rejection | Pending {
    this.#askedAt = this.#clock.monotonic();
    const hits = this.#authorizer.cacheHits;
    const verdict = this.#authorizer.authorize(policy, head, waiter);
    // Nothing else runs in this turn: the hit was this one.
    if (policy.fixedVerdict === undefined) this.cached = this.#authorizer.cacheHits > hits;
    return verdict;
  }

  /** The verdict is there. */
  judged(): void {
    if (this.cached === false) this.verificationMs = this.#clock.monotonic() - this.#askedAt;
  }
}
