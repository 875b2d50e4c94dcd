import type { IssuerConfig } from '../config/config.ts';
import type { RequestHead } from '../http/message.ts';
import { isSymmetric } from '../keys/algorithms.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { Clock } from '../lib/clock.ts';
import type { Turn } from '../lib/turn.ts';
import type { AuthCounters } from './auth-counters.ts';
import { Examiner } from './examiner.ts';
import { Judge } from './judge.ts';
import { Policies, type PolicyConfig } from './policy/policies.ts';
import type { Policy } from './policy/policy.ts';
import { AudienceNames } from './read/audience-names.ts';
import { bearerToken, isCanonical } from './read/bearer.ts';
import type { JsonObject } from './read/strict-json.ts';
import { subjectOf } from './read/subject.ts';
import { TokenBuffer } from './read/token-buffer.ts';
import { TokenHeaders } from './read/token-header.ts';
import { rejections } from './rejections.ts';
import type { CacheEntry } from './remember/token-cache.ts';
import { RememberedVerdicts } from './remember/verdicts.ts';
import type { Revocations } from './revocations.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from './verdict.ts';
import { Flights } from './verify/flights.ts';
import { InlineVerification } from './verify/inline.ts';
import { KeyRequests, type Refetch } from './verify/key-requests.ts';
import { VerificationPool } from './verify/pool.ts';
import { SignatureVerifier } from './verify/signature.ts';
import { signedClaims } from './verify/signed-claims.ts';
import { assertUsable, keyCapacityFor } from './verify/usable-keys.ts';
import type { Verification } from './verify/verification.ts';

export interface AuthorizerOptions {
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  readonly cache: { readonly entries: number; readonly bytes: number };
  /** Verification threads; 0: none, the event loop verifies in slices. */
  readonly verifiers: number;
  /**
   * `rejection: haproxy`: faults are reported in the order in which HAProxy's configuration finds them, see `checks`.
   */
  readonly haproxyOrder: boolean;
  readonly clock: Clock;
  /** Without threads, verification takes its slices from it. */
  readonly turn: Turn;
  readonly counters: AuthCounters;
  /** Undefined: nothing is ever revoked. */
  readonly revocations?: Revocations | undefined;
  /**
   * Asks an issuer for newer keys, for a token with an unknown key or a wrong signature. Undefined: keys are never
   * fetched.
   */
  readonly refetch?: Refetch | undefined;
}

/** A token to verify, and the policy of its route. */
interface Asked {
  readonly policy: Policy;
  /** The Authorization value in its canonical spelling: `Bearer`, one space, the token. */
  readonly authorization: string;
  readonly token: string;
  /** Whether the request carries a second Authorization header. */
  readonly ambiguous: boolean;
}

/**
 * Decides whether a request may be forwarded: recalls the verdict, or examines the token, verifies its signature and
 * judges its claims.
 */
export class Authorizer {
  readonly #policies: Policies;
  readonly #buffer = new TokenBuffer();
  readonly #remembered: RememberedVerdicts;
  readonly #examiner: Examiner;
  readonly #verifier = new SignatureVerifier();
  readonly #verification: Verification;
  readonly #flights: Flights;
  readonly #keyRequests: KeyRequests;
  readonly #judge: Judge;
  readonly #haproxyOrder: boolean;
  readonly #counters: AuthCounters;
  readonly #revocations: Revocations | undefined;
  #keyChanges = 0;

  /** Throws when a key cannot be used with an algorithm of its issuer. */
  constructor(options: AuthorizerOptions) {
    const { issuers, verifiers, haproxyOrder, clock, turn, counters, revocations } = options;
    for (const [name, { algorithms, keys }] of issuers) assertUsable(this.#verifier, name, algorithms, keys);
    const audiences = new AudienceNames();
    const buffer = this.#buffer;
    const headers = new TokenHeaders(buffer);
    const remembered = new RememberedVerdicts({ bounds: options.cache, clock, counters, revocations });
    this.#policies = new Policies(issuers, audiences);
    this.#remembered = remembered;
    this.#examiner = new Examiner({ haproxyOrder, buffer, headers, audiences });
    this.#verification =
      verifiers > 0
        ? new VerificationPool(verifiers, counters)
        : new InlineVerification(this.#verifier, counters, clock, turn);
    this.#keyRequests = new KeyRequests(options.refetch, clock);
    this.#judge = new Judge({ buffer, headers, remembered, clock, revocations });
    this.#flights = new Flights({
      verification: this.#verification,
      conclude: (candidate) => this.#judge.judge(candidate),
      refuse: (candidate) => remembered.refuseSignature(candidate),
      askForKeys: (candidate) => this.#keyRequests.forWrongSignature(candidate),
      kidOf: (candidate) => this.#examiner.kidOf(candidate),
    });
    this.#haproxyOrder = haproxyOrder;
    this.#counters = counters;
    this.#revocations = revocations;
    this.#fitKeyCapacity();
  }

  /** Grows with everything that can turn the verdict on a token beside its times: keys and revocations. */
  get version(): number {
    return this.#keyChanges + (this.#revocations?.version ?? 0);
  }

  /**
   * Wall-clock seconds at which the token of a request ends, tolerance included: Infinity for routes without tokens, undefined
   * where the token is not known or not verified now.
   */
  endOf(policy: Policy, head: RequestHead): number | undefined {
    if (policy.fixedVerdict !== undefined) return Number.POSITIVE_INFINITY;
    const token = tokenOf(policy, head);
    return typeof token === 'string' ? this.#remembered.find(`Bearer ${token}`)?.expiresAt : undefined;
  }

  /**
   * Whom the token of a request is about that has a permit, as a text of its `iss` and `sub`. Undefined on public routes,
   * and for a token without `sub`.
   */
  subjectOf(policy: Policy, head: RequestHead): string | undefined {
    if (policy.fixedVerdict !== undefined) return undefined;
    const token = tokenOf(policy, head);
    return typeof token === 'string' ? subjectOf(token) : undefined;
  }

  /** See `AuthCounters.cacheHits`. */
  get cacheHits(): number {
    return this.#counters.cacheHits.value;
  }

  /** Verified tokens in the cache. */
  get cacheEntries(): number {
    return this.#remembered.entries;
  }

  /** Bytes that the cached tokens are estimated to take. */
  get cacheBytes(): number {
    return this.#remembered.bytes;
  }

  /** Tokens that wait for their verification. */
  get queueDepth(): number {
    return this.#verification.depth;
  }

  /** Requests that wait for a verdict. */
  get waiting(): number {
    return this.#flights.waiting;
  }

  /** Resolves when signatures can be verified. Tokens that need it wait until then. */
  start(): Promise<void> {
    return this.#verification.start();
  }

  /** Ends the verification. Requests that wait are refused as `verifier_overloaded`. */
  close(): Promise<void> {
    return this.#verification.close();
  }

  /** The policy of a route, made once for each route. Throws on an unknown issuer name. */
  policy(route: PolicyConfig): Policy {
    return this.#policies.of(route);
  }

  /**
   * Replaces the keys of an issuer. Verifications with a removed key, cached or under way, do not count any more. Throws,
   * and keeps the present keys, when a new key cannot be used or the issuer is unknown.
   */
  setKeys(issuerName: string, keys: readonly VerificationKey[]): void {
    const issuer = this.#policies.issuer(issuerName);
    assertUsable(this.#verifier, issuerName, issuer.config.algorithms, keys);
    issuer.replaceKeys(keys);
    this.#keyChanges += 1;
    this.#fitKeyCapacity();
  }

  /**
   * The claims of a JWT that is not a client's token, such as that of a webhook. Undefined unless `key`, or without it a
   * present key of the issuer, has signed the JWT.
   */
  signedClaims(token: string, issuerName: string, key?: VerificationKey): JsonObject | undefined {
    const issuer = this.#policies.issuer(issuerName);
    return signedClaims(token, {
      buffer: this.#buffer,
      verifier: this.#verifier,
      choose: (algorithm, kid) => {
        if (key === undefined) return issuer.choose(algorithm, kid);
        return key.algorithms.includes(algorithm) ? { algorithm, keys: [key] } : undefined;
      },
    });
  }

  /**
   * The verdict for a request. At once for public routes, remembered tokens, HMAC, and every rejection before the
   * signature; otherwise `Pending`, and the waiter gets the verdict later.
   */
  authorize(policy: Policy, head: RequestHead, waiter: VerdictWaiter): Permit | Rejection | Pending {
    if (policy.fixedVerdict !== undefined) return policy.fixedVerdict;
    if (policy.places !== undefined) {
      const token = policy.places.find(head);
      return typeof token === 'string' ? this.#authorizeToken(policy, token, false, waiter) : token;
    }
    const { authorization } = head;
    let entry: CacheEntry | undefined;
    if (authorization !== undefined && head.authorizationCount === 1) {
      entry = this.#remembered.find(authorization);
      const known = this.#remembered.recall(policy, authorization, entry);
      if (known !== undefined) return known;
    }
    return this.#authorizeHeader(policy, head, waiter, entry);
  }

  /** The token of an Authorization header. `entry`: the cache's entry for the header's value. */
  #authorizeHeader(
    policy: Policy,
    head: RequestHead,
    waiter: VerdictWaiter,
    entry: CacheEntry | undefined,
  ): Permit | Rejection | Pending {
    const ambiguous = head.authorizationCount > 1;
    if (ambiguous && !this.#haproxyOrder) return rejections.ambiguous;
    const token = bearerToken(head.authorization);
    if (typeof token !== 'string') return token;
    const authorization = head.authorization as string;
    if (!isCanonical(authorization, token)) return this.#authorizeToken(policy, token, ambiguous, waiter);
    return this.#verify({ policy, authorization, token, ambiguous }, waiter, entry, true);
  }

  /** A token from another place, or from an Authorization header that is not in the canonical spelling. */
  #authorizeToken(
    policy: Policy,
    token: string,
    ambiguous: boolean,
    waiter: VerdictWaiter,
  ): Permit | Rejection | Pending {
    const written = `Bearer ${token}`;
    const authorization = this.#buffer.copy(written);
    let entry: CacheEntry | undefined;
    // The copy replaces characters beyond latin1: it could then be the value of another, remembered token.
    if (!ambiguous && authorization === written) {
      entry = this.#remembered.find(authorization);
      const known = this.#remembered.recall(policy, authorization, entry);
      if (known !== undefined) return known;
    }
    return this.#verify({ policy, authorization, token, ambiguous }, waiter, entry, true);
  }

  /** A token without a remembered verdict. `mayWait`: whether newer keys may be asked for. */
  #verify(
    asked: Asked,
    waiter: VerdictWaiter,
    entry: CacheEntry | undefined,
    mayWait: boolean,
  ): Permit | Rejection | Pending {
    const { policy, authorization, token, ambiguous } = asked;
    const full = entry === undefined && this.#flights.isFull(token);
    const candidate = this.#examiner.examine(authorization, token, ambiguous, policy, full);
    if (candidate.kind === 'rejection') return candidate;
    if (candidate.kind === 'unknown-key') {
      const again = (): Permit | Rejection | Pending => this.#verify(asked, waiter, undefined, false);
      const { name } = candidate.issuer.config;
      return (
        (mayWait ? this.#keyRequests.forUnknownKey(name, again, waiter) : undefined) ?? rejections.keyUnknown
      );
    }
    const { issuer } = candidate;
    if (entry !== undefined && entry.issuer === issuer && entry.keyRemovals === issuer.keyRemovals) {
      // Its signature was verified for another policy with the same issuer.
      this.#counters.cacheHits.value += 1;
      return this.#judge.judge(candidate);
    }
    this.#counters.cacheMisses.value += 1;
    if (!isSymmetric(candidate.algorithm)) return this.#flights.join(candidate, waiter);
    return this.#verifier.verify(token, candidate.choice)
      ? this.#judge.judge(candidate)
      : rejections.signature;
  }

  /** As many parsed keys may be kept as the present key sets need, here and on the threads. */
  #fitKeyCapacity(): void {
    const capacity = keyCapacityFor(this.#policies.issuers);
    this.#verifier.keyCapacity = capacity;
    this.#verification.keyCapacity = capacity;
  }
}

/** The token at its place, or the reason why there is none. */
function tokenOf({ places }: Policy, head: RequestHead): string | Rejection {
  return places === undefined ? bearerToken(head.authorization) : places.find(head);
}
