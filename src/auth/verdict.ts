import type { NameSet } from '../http/name-set.ts';
import type { Reason } from '../reasons.ts';

declare const permitBrand: unique symbol;

/**
 * Permission to forward one request. Only `auth/permit.ts` makes one, and nothing is sent upstream without one. Code
 * that forgets a check does not compile.
 */
export interface Permit {
  readonly kind: 'permit';
  readonly [permitBrand]: true;
  /** Identity headers of this token on this route, ready to send: `Name: value\r\n` repeated, or ''. */
  readonly headers: string;
  /** Whether upstream does not get the Authorization header. */
  readonly stripToken: boolean;
  /** Other parts that upstream does not get; only on routes whose tokens stand in other places. */
  readonly traces?: TokenTraces;
  /**
   * A hash of the claim by which the upstream chooses a server, from 0 to 2^31 - 1. Absent where another thing decides,
   * or the token has no such claim.
   */
  readonly key?: number;
  /** The claims of the token that the access log has, as JSON; see `LoggedClaims`. Absent where there are none. */
  readonly claims?: string;
  /** Hashes of the claims by which the requests of the route are counted, in its order; absent where none are. */
  readonly rates?: readonly number[];
}

/** The parts of a request that carry its token, by name. */
export interface TokenTraces {
  /** Header names, in every spelling. */
  readonly headers: NameSet;
  readonly cookies: readonly string[];
  /** Parameters of the query. */
  readonly parameters: readonly string[];
  /** Subprotocols of a WebSocket, each with the token behind it. */
  readonly protocols: readonly string[];
}

/**
 * The checks of the HAProxy configuration that the walk-through replaces, in its order. `rules` comes last and stands
 * for what that configuration does not check. The stage selects the message of `rejection: haproxy`.
 */
export const stages = ['header', 'algorithm', 'issuer', 'audience', 'signature', 'expiry', 'rules'] as const;

export type Stage = (typeof stages)[number];

/** The request must not be forwarded. */
export interface Rejection {
  readonly kind: 'rejection';
  readonly reason: Reason;
  /** The check at which HAProxy would have stopped; undefined selects the message by the reason alone. */
  readonly stage: Stage | undefined;
  /** On a route that demands scopes: the scopes that the challenge names, separated by spaces (RFC 6750 §3). */
  readonly scope?: string | undefined;
}

/** The verdict needs a signature check or newer keys. It reaches the `VerdictWaiter` unless it is cancelled. */
export interface Pending {
  readonly kind: 'pending';
  /** Safe at any time and more than once. The waiter is not called afterwards. */
  cancel(): void;
}

/** Receives the verdict of one request that got `Pending`. */
export interface VerdictWaiter {
  /** Called at most once, never from within `authorize`. */
  onVerdict(verdict: Permit | Rejection): void;
}
