import type { ForwardConfig, IssuerConfig, RouteRules, TokenPlace } from '../config/config.ts';
import type { RequestHead } from '../http/message.ts';
import type { VerificationKey } from '../keys/key.ts';
import type { Clock } from '../lib/clock.ts';
import type { AuthCounters } from './auth-counters.ts';
import { type Candidate, Examiner } from './examiner.ts';
import { grant } from './permit.ts';
import { Issuer } from './policy/issuer.ts';
import { judgeLifetime, readLifetime } from './policy/lifetime.ts';
import { Policy } from './policy/policy.ts';
import { bearerToken, isCanonical } from './read/bearer.ts';
import type { JsonObject } from './read/strict-json.ts';
import { TokenBuffer } from './read/token-buffer.ts';
import { rejections } from './rejections.ts';
import { RefusedTokens } from './remember/refused-tokens.ts';
import { type CacheEntry, TokenCache } from './remember/token-cache.ts';
import type { Revocations } from './revocations.ts';
import type { Pending, Permit, Rejection, VerdictWaiter } from './verdict.ts';
import { Flights } from './verify/flights.ts';
import { InlineVerification, type Verification } from './verify/inline.ts';
import { KeyRequests, type Refetch } from './verify/key-requests.ts';
import { VerificationPool } from './verify/pool.ts';
import { isHmac, SignatureVerifier } from './verify/signature.ts';
import { signedClaims } from './verify/signed-claims.ts';
import { assertUsable, roomFor } from './verify/usable-keys.ts';

export interface AuthorizerOptions {
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
  readonly cache: { readonly entries: number; readonly bytes: number };
  /** Verification threads; 0: none, the event loop verifies in slices. */
  readonly verifiers: number;
  /** Report the fault HAProxy's configuration would have met first (`rejection: haproxy`). */
  readonly haproxyOrder: boolean;
  readonly clock: Clock;
  readonly counters: AuthCounters;
  /** Undefined: nothing is ever revoked. */
  readonly revocations?: Revocations | undefined;
  /** Asked for newer keys when a token, whose issuer and audience fit, names one that is not known or was signed by none. */
  readonly refetch?: Refetch | undefined;
}

/**
 * Decides whether a request may be forwarded. What is remembered of a token is its signature alone: issuer,
 * audience, time and required claims hold on every request, either by being compared again or because the entry
 * belongs to an issuer whose rules the route demands. Beside it stands the answer of one route's rules, which only
 * routes with the same rules take.
 */
export class Authorizer {
  readonly #issuers = new Map<string, Issuer>();
  readonly #policies = new Map<string, Policy>();
  readonly #buffer = new TokenBuffer();
  readonly #cache: TokenCache;
  readonly #refused: RefusedTokens;
  readonly #examiner: Examiner;
  readonly #verifier = new SignatureVerifier();
  readonly #verification: Verification;
  readonly #flights: Flights;
  readonly #haproxyOrder: boolean;
  readonly #clock: Clock;
  readonly #counters: AuthCounters;
  readonly #revocations: Revocations | undefined;
  readonly #keyRequests: KeyRequests;

  /** Throws when a key cannot be used with an algorithm its issuer wants it for. */
  constructor(options: AuthorizerOptions) {
    this.#examiner = new Examiner(options.haproxyOrder, this.#buffer);
    for (const [name, config] of options.issuers) {
      assertUsable(this.#verifier, name, config.algorithms, config.keys);
      this.#issuers.set(name, new Issuer(config, this.#examiner.audiences));
    }
    this.#cache = new TokenCache(options.cache);
    this.#verification =
      options.verifiers > 0
        ? new VerificationPool(options.verifiers, options.counters)
        : new InlineVerification(this.#verifier, options.counters, options.clock);
    this.#flights = new Flights({
      verification: this.#verification,
      conclude: (candidate) => this.#conclude(candidate),
      refuse: (candidate) => this.#refuseSignature(candidate),
      askForKeys: (candidate) => this.#askForKeys(candidate),
      kidOf: (candidate) => this.#examiner.kidOf(candidate),
    });
    this.#refused = new RefusedTokens(options.clock);
    this.#haproxyOrder = options.haproxyOrder;
    this.#clock = options.clock;
    this.#counters = options.counters;
    this.#revocations = options.revocations;
    this.#keyRequests = new KeyRequests(options.refetch);
    this.#makeRoom();
  }

  get cacheEntries(): number {
    return this.#cache.size;
  }

  /** Bytes the cached tokens are estimated to take. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /** Tokens that wait for their verification. */
  get queueDepth(): number {
    return this.#verification.depth;
  }

  /** Requests that wait for a verdict. */
  get waiting(): number {
    return this.#flights.waiting;
  }

  /** Resolves when the verification threads have answered; until then tokens that need one wait. */
  start(): Promise<void> {
    return this.#verification.start();
  }

  /** Ends the threads; requests that still wait are told `verifier_overloaded`. */
  close(): Promise<void> {
    return this.#verification.close();
  }

  /** What a route demands, to be made once when the gateway is built. Throws on an unknown issuer name. */
  policy(route: {
    readonly auth: 'none' | readonly string[];
    readonly forward: ForwardConfig;
    readonly require?: RouteRules | undefined;
    readonly token?: readonly TokenPlace[] | undefined;
  }): Policy {
    const { auth, forward, require, token } = route;
    const added = [[...forward.headers], forward.payload, [...(forward.set ?? [])]];
    const key = JSON.stringify([auth, token, forward.token, added, require]);
    let policy = this.#policies.get(key);
    if (policy === undefined) {
      const issuers = auth === 'none' ? undefined : auth.map((name) => this.#issuer(name));
      policy = new Policy(issuers, forward, require, token);
      this.#policies.set(key, policy);
    }
    return policy;
  }

  /**
   * Replaces an issuer's keys. Everything verified with the old ones is void from here on, be it cached or under
   * way. Throws, and keeps the old keys, when a key does not fit or the issuer is unknown.
   */
  setKeys(issuerName: string, keys: readonly VerificationKey[]): void {
    const issuer = this.#issuer(issuerName);
    assertUsable(this.#verifier, issuerName, issuer.config.algorithms, keys);
    issuer.replaceKeys(keys);
    this.#makeRoom();
  }

  /**
   * The claims of a JWT that is signed by one of the issuer's present keys, or by `key` where that is given, and is no
   * token of a client; undefined for any other.
   */
  signedClaims(token: string, issuerName: string, key?: VerificationKey): JsonObject | undefined {
    const issuer = this.#issuer(issuerName);
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
   * The answer for a request: at once for public routes, known tokens, HMAC and every refusal that needs no
   * signature check; otherwise `Pending`, and the waiter is called later unless that is cancelled.
   */
  authorize(policy: Policy, head: RequestHead, waiter: VerdictWaiter): Permit | Rejection | Pending {
    if (policy.openPermit !== undefined) return policy.openPermit;
    if (policy.places !== undefined) {
      const token = policy.places.find(head);
      return typeof token === 'string' ? this.#examineToken(policy, token, false, waiter) : token;
    }
    const { authorization } = head;
    let entry: CacheEntry | undefined;
    if (authorization !== undefined && head.authorizationCount === 1) {
      entry = this.#cache.find(authorization);
      const known = this.#remembered(policy, authorization, entry);
      if (known !== undefined) return known;
    }
    return this.#examine(policy, head, waiter, entry);
  }

  /** What is known of a value without a look at its token: it was let in before, or refused. */
  #remembered(
    policy: Policy,
    authorization: string,
    entry: CacheEntry | undefined,
  ): Permit | Rejection | undefined {
    return entry === undefined ? this.#refused.find(authorization, policy) : this.#recall(policy, entry);
  }

  /** The answer for a token in the cache; undefined when it is void or the route needs a closer look. */
  #recall(policy: Policy, entry: CacheEntry): Permit | Rejection | undefined {
    const { issuer } = entry;
    if (entry.generation !== issuer.generation) {
      this.#cache.delete(entry);
      return undefined;
    }
    let answer: Permit | Rejection;
    if (entry.policy === policy) answer = entry.answer;
    else if (policy.soleIssuer === issuer && policy.plainPermit !== undefined) answer = policy.plainPermit;
    else return undefined;
    this.#counters.cacheHits.value += 1;
    // In the order of `#conclude`: a token has one answer, whether it is remembered or not.
    const now = this.#clock.wall() / 1000;
    if (now >= entry.expiresAt) {
      this.#cache.delete(entry);
      return rejections.expired;
    }
    if (now < entry.notBefore) return rejections.notYetValid;
    // Not before: on a route of another issuer, this one's revocations are not what counts.
    const revocations = this.#revocations;
    if (revocations !== undefined && entry.revocationsAt !== revocations.generation) {
      if (this.#isRevoked(entry, revocations)) return rejections.revoked;
    }
    this.#cache.touch(entry, now);
    return answer;
  }

  #isRevoked(entry: CacheEntry, revocations: Revocations): boolean {
    const { generation } = revocations;
    if (entry.marks === undefined || revocations.cover(entry.marks)) {
      this.#cache.delete(entry);
      return true;
    }
    entry.revocationsAt = generation;
    return false;
  }

  /** `found`: the cache's entry for the value as it was sent. */
  #examine(
    policy: Policy,
    head: RequestHead,
    waiter: VerdictWaiter,
    found: CacheEntry | undefined,
  ): Permit | Rejection | Pending {
    const ambiguous = head.authorizationCount > 1;
    if (ambiguous && !this.#haproxyOrder) return rejections.ambiguous;
    const token = bearerToken(head.authorization);
    if (typeof token !== 'string') return token;
    const authorization = head.authorization as string;
    if (!isCanonical(authorization, token)) return this.#examineToken(policy, token, ambiguous, waiter);
    return this.#judge({ policy, authorization, token, ambiguous }, waiter, found, true);
  }

  /** A token that came in another spelling than that of the cache, or from another place. */
  #examineToken(
    policy: Policy,
    token: string,
    ambiguous: boolean,
    waiter: VerdictWaiter,
  ): Permit | Rejection | Pending {
    const written = `Bearer ${token}`;
    const authorization = this.#buffer.copy(written);
    let entry: CacheEntry | undefined;
    // A character beyond latin1 is another one in the copy: the cache must not take it for a token that it knows.
    if (!ambiguous && authorization === written) {
      entry = this.#cache.find(authorization);
      const known = this.#remembered(policy, authorization, entry);
      if (known !== undefined) return known;
    }
    return this.#judge({ policy, authorization, token, ambiguous }, waiter, entry, true);
  }

  /** `mayWait`: newer keys may be asked for. */
  #judge(
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
      const judge = (): Permit | Rejection | Pending => this.#judge(asked, waiter, undefined, false);
      const { name } = candidate.issuer.config;
      return (mayWait ? this.#keyRequests.wait(name, judge, waiter) : undefined) ?? rejections.keyUnknown;
    }
    const { issuer } = candidate;
    if (entry !== undefined && entry.issuer === issuer && entry.generation === issuer.generation) {
      // Verified for another route that leads to the same issuer.
      this.#counters.cacheHits.value += 1;
      return this.#conclude(candidate);
    }
    this.#counters.cacheMisses.value += 1;
    if (!isHmac(candidate.algorithm)) return this.#flights.join(candidate, waiter);
    return this.#verifier.verify(token, candidate.choice) ? this.#conclude(candidate) : rejections.signature;
  }

  /**
   * An issuer may have put another key in the place of an old one, under its name or without one. It is asked on
   * behalf of a token that would be let in as far as can be seen, within the pace of tokens with unknown keys.
   */
  #askForKeys({ issuer, algorithm, expiry }: Candidate): Promise<void> | undefined {
    const isLive = this.#clock.wall() < expiry * 1000 + issuer.config.clockToleranceMs;
    return issuer.fetchGapMs(algorithm) !== undefined && isLive
      ? this.#keyRequests.ask(issuer.config.name)
      : undefined;
  }

  /**
   * Remembers it for good only where the keys are those of the configuration. Fetched ones may have changed at the
   * issuer since: it is then asked again on the token's behalf, when that is allowed.
   */
  #refuseSignature(candidate: Candidate): Rejection {
    const gapMs = candidate.issuer.fetchGapMs(candidate.algorithm);
    if (gapMs === undefined) {
      return this.#refuse(candidate, rejections.signature, Number.NEGATIVE_INFINITY);
    }
    const now = this.#clock.wall();
    return this.#refuse(candidate, rejections.signature, now, now + gapMs);
  }

  /**
   * The answer for a token whose signature is good under the issuer's present keys: its times and required claims, then
   * revocations, then its kind, then the rules of the route. Only a valid one is kept.
   */
  #conclude(candidate: Candidate): Permit | Rejection {
    const { policy, issuer } = candidate;
    const proven = this.#examiner.prove(candidate);
    if (proven.kind === 'rejection') return proven;
    const { claims, type, payload } = proven;
    const lifetime = readLifetime(claims, issuer.config);
    const fault = judgeLifetime(lifetime, this.#clock.wall());
    if (fault === rejections.expired) return this.#refuse(candidate, fault, lifetime.expiresAt);
    if (fault !== undefined) return fault;
    const revocations = this.#revocations;
    const revocationsAt = revocations?.generation ?? 0;
    const marks = revocations?.marks(issuer.config.name, claims);
    if (marks !== undefined && revocations?.cover(marks) === true) return rejections.revoked;
    // Not kept: an entry serves every route of its issuer, so it must have met all that the issuer demands.
    const misfit = issuer.types.judge(type, claims);
    if (misfit !== undefined) return misfit;
    const answer =
      policy.rules?.judge(claims, issuer.roles) ??
      policy.sharedPermit ??
      this.#identify(policy, claims, payload);
    this.#cache.put({
      authorization: candidate.authorization,
      issuer,
      generation: issuer.generation,
      expiresAt: lifetime.expiresAt / 1000,
      notBefore: lifetime.notBefore / 1000,
      policy,
      answer,
      marks,
      revocationsAt,
    });
    return answer;
  }

  /** Leave with the identity headers of the route; refused when a claim cannot be written as one. */
  #identify(policy: Policy, claims: JsonObject, payload: string): Permit | Rejection {
    const identity = policy.identity.render(claims, payload);
    if (identity === undefined) return rejections.claimMismatch;
    return grant(this.#buffer.copy(identity), policy.stripToken, policy.traces);
  }

  /** Remembers that the token was refused after its signature was checked. Both times in wall-clock milliseconds. */
  #refuse(
    { authorization, policy, issuer }: Candidate,
    rejection: Rejection,
    since: number,
    until = Number.POSITIVE_INFINITY,
  ): Rejection {
    this.#refused.add({ authorization, policy, issuer, version: issuer.version, rejection, since, until });
    return rejection;
  }

  #issuer(name: string): Issuer {
    const issuer = this.#issuers.get(name);
    if (issuer === undefined) throw new Error(`no issuer is called ${name}`);
    return issuer;
  }

  /** As many parsed keys are kept as are in force, here and in the threads. */
  #makeRoom(): void {
    const room = roomFor(this.#issuers.values());
    this.#verifier.room = room;
    this.#verification.room = room;
  }
}

/** A token in question, and what is asked of it. */
interface Asked {
  readonly policy: Policy;
  /** `Bearer`, one space, the token. */
  readonly authorization: string;
  readonly token: string;
  readonly ambiguous: boolean;
}
