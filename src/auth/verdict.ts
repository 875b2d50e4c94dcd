import type { NameSet } from '../http/name-set.ts';
import type { Reason } from '../reasons.ts';

declare const permitBrand: unique symbol;

/**
 * Leave to forward one request. Only `auth/permit.ts` makes one, and `upstream` sends nothing without it, so a
 * forgotten check does not compile.
 */
export interface Permit {
  readonly kind: 'permit';
  readonly [permitBrand]: true;
  /** Identity headers of this token for this route, ready to send: `Name: value\r\n` repeated, or ''. */
  readonly headers: string;
  /** Whether the Authorization header is kept from upstream. */
  readonly stripToken: boolean;
  /** What else is kept from upstream; only on routes whose tokens stand in other places. */
  readonly traces?: TokenTraces;
}

/** What of a request is its token's, by name. */
export interface TokenTraces {
  /** Header names, in every spelling. */
  readonly headers: NameSet;
  readonly cookies: readonly string[];
  /** Parameters of the query. */
  readonly parameters: readonly string[];
}

/**
 * The checks of the walk-through's HAProxy configuration, in its order, and `rules`, which it has not, behind them;
 * decides the message in its style.
 */
export type Stage = 'header' | 'algorithm' | 'issuer' | 'audience' | 'signature' | 'expiry' | 'rules';

export interface Rejection {
  readonly kind: 'rejection';
  readonly reason: Reason;
  /** The check at which HAProxy would have stopped; undefined where it has no such check. */
  readonly stage: Stage | undefined;
  /** Of a route that demands scopes: those to ask for, separated by spaces (RFC 6750 §3). */
  readonly scope?: string | undefined;
}

/** A verdict that is not there yet; it arrives at the waiter unless cancelled first. */
export interface Pending {
  readonly kind: 'pending';
  cancel(): void;
}

export interface VerdictWaiter {
  onVerdict(verdict: Permit | Rejection): void;
}
