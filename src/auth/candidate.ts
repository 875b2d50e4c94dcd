import type { KeyChoice } from '../keys/key.ts';
import type { Issuer } from './policy/issuer.ts';
import type { Policy } from './policy/policy.ts';

/**
 * A token that has passed every check before the signature. Nothing in it is proven. Thousands of forged tokens may
 * wait at a time, so a candidate holds the text of the token and nothing parsed from it.
 */
export interface Candidate {
  readonly kind: 'candidate';
  /** The Authorization value in its canonical spelling: `Bearer`, one space, the token. */
  readonly authorization: string;
  readonly token: string;
  readonly policy: Policy;
  readonly issuer: Issuer;
  readonly algorithm: string;
  readonly choice: KeyChoice;
  /** Number of members in its claims, at all levels. */
  readonly members: number;
  /** Seconds of its `exp`: Infinity without one, NaN when it is not a number. */
  readonly expiry: number;
}
