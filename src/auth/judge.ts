import type { Clock } from '../lib/clock.ts';
import type { Candidate } from './candidate.ts';
import { grant } from './permit.ts';
import { judgeLifetime, readLifetime } from './policy/lifetime.ts';
import { type JsonObject, member, parseCounted } from './read/strict-json.ts';
import type { TokenBuffer } from './read/token-buffer.ts';
import type { TokenHeaders } from './read/token-header.ts';
import type { TokenType } from './read/token-type.ts';
import { rejections } from './rejections.ts';
import type { RememberedVerdicts } from './remember/verdicts.ts';
import type { Revocations } from './revocations.ts';
import type { Permit, Rejection } from './verdict.ts';

export interface JudgeOptions {
  readonly buffer: TokenBuffer;
  readonly headers: TokenHeaders;
  readonly remembered: RememberedVerdicts;
  readonly clock: Clock;
  /** Undefined: nothing is ever revoked. */
  readonly revocations: Revocations | undefined;
}

/** The content of a token with a good signature. */
interface ProvenToken {
  readonly kind: 'proven';
  readonly type: TokenType;
  readonly claims: JsonObject;
  /** Its second segment. */
  readonly payload: string;
}

/** The checks after the signature. */
export class Judge {
  readonly #buffer: TokenBuffer;
  readonly #headers: TokenHeaders;
  readonly #remembered: RememberedVerdicts;
  readonly #clock: Clock;
  readonly #revocations: Revocations | undefined;

  constructor({ buffer, headers, remembered, clock, revocations }: JudgeOptions) {
    this.#buffer = buffer;
    this.#headers = headers;
    this.#remembered = remembered;
    this.#clock = clock;
    this.#revocations = revocations;
  }

  /**
   * The verdict for a token whose signature is good under the present keys of its issuer: times and required claims,
   * then revocation, then the kind of token, then the rules of the route. Remembers the verdict unless the issuer
   * refuses the token.
   */
  judge(candidate: Candidate): Permit | Rejection {
    const { policy, issuer } = candidate;
    const proven = this.#parse(candidate);
    if (proven.kind === 'rejection') return proven;
    const { claims, type, payload } = proven;
    const lifetime = readLifetime(claims, issuer.config);
    const fault = judgeLifetime(lifetime, this.#clock.wall());
    if (fault === rejections.expired) return this.#remembered.refuseExpired(candidate, lifetime.expiresAt);
    if (fault !== undefined) return fault;
    const revocations = this.#revocations;
    const revocationsVersion = revocations?.version ?? 0;
    const marks = revocations?.marks(issuer.config.name, claims);
    if (marks !== undefined && revocations?.cover(marks) === true) return rejections.revoked;
    // Not remembered: every policy with this issuer may use an entry, so the token must have met all that the issuer
    // demands.
    const misfit = issuer.types.judge(type, claims);
    if (misfit !== undefined) return misfit;
    const verdict =
      policy.rules?.judge(claims, issuer.roles) ??
      policy.sharedPermit ??
      this.#identify(candidate, claims, payload);
    this.#remembered.keep(candidate, {
      expiresAt: lifetime.expiresAt / 1000,
      notBefore: lifetime.notBefore / 1000,
      verdict,
      marks,
      revocationsVersion,
    });
    return verdict;
  }

  /**
   * Refuses a token that repeats a member name. Refuses one whose parsed claims lead to another issuer than the
   * outlined claims did: its signature was verified with the keys of the wrong issuer.
   */
  #parse({ token, policy, issuer, members }: Candidate): ProvenToken | Rejection {
    const first = token.indexOf('.');
    const header = this.#headers.prove(token.slice(0, first));
    if (header === undefined) return rejections.headerMalformed;
    const payload = token.slice(first + 1, token.indexOf('.', first + 1));
    // The examiner has found that the payload is base64url and UTF-8.
    const claims = parseCounted(this.#buffer.textOf(payload), members);
    if (claims === undefined || policy.pick(member(claims, 'iss'), member(claims, 'aud')) !== issuer) {
      return rejections.payloadMalformed;
    }
    return { kind: 'proven', type: header.type, claims, payload };
  }

  /**
   * A permit with the identity headers of the route, and the keys of the request. Refuses a token with a claim that
   * cannot be written as a header.
   */
  #identify({ policy, issuer }: Candidate, claims: JsonObject, payload: string): Permit | Rejection {
    const identity = policy.identity.render(claims, payload);
    if (identity === undefined) return rejections.claimMismatch;
    const headers = this.#buffer.copy(identity);
    const key = policy.key?.of(claims);
    const logged = policy.logged?.of(claims);
    const rates = policy.rates?.of(claims, issuer.config.name);
    return grant(headers, policy.stripToken, policy.traces, key, logged, rates);
  }
}
