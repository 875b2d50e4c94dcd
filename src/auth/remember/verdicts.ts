import type { Clock } from '../../lib/clock.ts';
import type { AuthCounters } from '../auth-counters.ts';
import type { Candidate } from '../candidate.ts';
import type { Policy } from '../policy/policy.ts';
import { rejections } from '../rejections.ts';
import type { Revocations } from '../revocations.ts';
import type { Permit, Rejection } from '../verdict.ts';
import { RefusedTokens } from './refused-tokens.ts';
import { type CacheEntry, TokenCache } from './token-cache.ts';

export interface RememberedVerdictsOptions {
  readonly bounds: { readonly entries: number; readonly bytes: number };
  readonly clock: Clock;
  readonly counters: AuthCounters;
  /** Undefined: nothing is ever revoked. */
  readonly revocations: Revocations | undefined;
}

/** The facts of a token that has passed every check of its issuer. */
export interface Verified
  extends Pick<CacheEntry, 'expiresAt' | 'notBefore' | 'marks' | 'revocationsVersion'> {
  /** The verdict under the policy of the candidate. */
  readonly verdict: Permit | Rejection;
}

/**
 * The verdicts that spare a token its checks. A verified token is remembered with its times, the marks by which it can
 * be revoked, and the verdict of one policy. Times and revocations are compared again on every use, and another policy
 * asks for the claims again unless it demands nothing of them. A refusal is remembered for one policy.
 */
export class RememberedVerdicts {
  readonly #cache: TokenCache;
  readonly #refused: RefusedTokens;
  readonly #clock: Clock;
  readonly #counters: AuthCounters;
  readonly #revocations: Revocations | undefined;

  constructor({ bounds, clock, counters, revocations }: RememberedVerdictsOptions) {
    this.#cache = new TokenCache(bounds);
    this.#refused = new RefusedTokens(clock);
    this.#clock = clock;
    this.#counters = counters;
    this.#revocations = revocations;
  }

  /** Verified tokens. */
  get entries(): number {
    return this.#cache.size;
  }

  /** Bytes that the verified tokens are estimated to take. */
  get bytes(): number {
    return this.#cache.bytes;
  }

  /** The entry of a verified token, by its Authorization value in the canonical spelling. */
  find(authorization: string): CacheEntry | undefined {
    return this.#cache.find(authorization);
  }

  /**
   * The remembered verdict; undefined when the token must be examined. @param entry the result of `find` for the value.
   */
  recall(
    policy: Policy,
    authorization: string,
    entry: CacheEntry | undefined,
  ): Permit | Rejection | undefined {
    return entry === undefined
      ? this.#refused.find(authorization, policy)
      : this.#recallVerified(policy, entry);
  }

  /** Remembers a verified token of a candidate. */
  keep({ authorization, policy, issuer }: Candidate, verified: Verified): void {
    const { expiresAt, notBefore, verdict, marks, revocationsVersion } = verified;
    this.#cache.put({
      authorization,
      issuer,
      keyRemovals: issuer.keyRemovals,
      expiresAt,
      notBefore,
      policy,
      verdict,
      marks,
      revocationsVersion,
    });
  }

  /**
   * Remembers that the signature is wrong: for good if the keys are those of the configuration. An issuer whose keys
   * are fetched may have changed them since, so there the refusal holds until the issuer may be asked again.
   */
  refuseSignature(candidate: Candidate): Rejection {
    const gapMs = candidate.issuer.fetchGapMs(candidate.algorithm);
    if (gapMs === undefined) {
      return this.#refuse(candidate, rejections.signature, Number.NEGATIVE_INFINITY);
    }
    const now = this.#clock.wall();
    return this.#refuse(candidate, rejections.signature, now, now + gapMs);
  }

  /** Remembers that the token has expired. `expiresAt`: wall-clock milliseconds, tolerance included. */
  refuseExpired(candidate: Candidate, expiresAt: number): Rejection {
    return this.#refuse(candidate, rejections.expired, expiresAt);
  }

  #recallVerified(policy: Policy, entry: CacheEntry): Permit | Rejection | undefined {
    const { issuer } = entry;
    if (entry.keyRemovals !== issuer.keyRemovals) {
      this.#cache.delete(entry);
      return undefined;
    }
    let verdict: Permit | Rejection;
    if (entry.policy === policy) verdict = entry.verdict;
    else if (policy.soleIssuer === issuer && policy.plainPermit !== undefined) verdict = policy.plainPermit;
    else return undefined;
    this.#counters.cacheHits.value += 1;
    // In the order of `checks`: a token has one verdict, remembered or not.
    const now = this.#clock.wall() / 1000;
    if (now >= entry.expiresAt) {
      this.#cache.delete(entry);
      return rejections.expired;
    }
    if (now < entry.notBefore) return rejections.notYetValid;
    // Only now: on a route of another issuer, the revocations of this one do not count.
    const revocations = this.#revocations;
    if (revocations !== undefined && entry.revocationsVersion !== revocations.version) {
      if (this.#isRevoked(entry, revocations)) return rejections.revoked;
    }
    this.#cache.touch(entry, now);
    return verdict;
  }

  #isRevoked(entry: CacheEntry, revocations: Revocations): boolean {
    const { version } = revocations;
    if (entry.marks === undefined || revocations.cover(entry.marks)) {
      this.#cache.delete(entry);
      return true;
    }
    entry.revocationsVersion = version;
    return false;
  }

  /** Both times in wall-clock milliseconds. */
  #refuse(
    { authorization, policy, issuer }: Candidate,
    rejection: Rejection,
    since: number,
    until = Number.POSITIVE_INFINITY,
  ): Rejection {
    this.#refused.add({ authorization, policy, issuer, version: issuer.version, rejection, since, until });
    return rejection;
  }
}
