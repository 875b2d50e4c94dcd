import type { Reason } from '../reasons.ts';
import type { Rejection, Stage } from './verdict.ts';

function reject(reason: Reason, stage: Stage | undefined): Rejection {
  return Object.freeze({ kind: 'rejection', reason, stage });
}

/**
 * The rejection of a route whose scopes or roles a token lacks.
 * @param scope the scopes that the challenge names, separated by spaces.
 */
export function insufficient(
  reason: 'scope_insufficient' | 'role_missing',
  scope: string | undefined,
): Rejection {
  return Object.freeze({ kind: 'rejection', reason, stage: 'rules', scope });
}

/** Every rejection: that of a route that denies, then those of a token, in the order of `checks`. They are shared: a rejection allocates nothing. */
export const rejections = Object.freeze({
  denied: reject('route_denied', undefined),
  missing: reject('token_missing', 'header'),
  ambiguous: reject('authorization_ambiguous', 'signature'),
  notBearer: reject('token_missing', 'algorithm'),
  bearerMalformed: reject('token_malformed', 'algorithm'),
  structure: reject('token_malformed', 'signature'),
  headerMalformed: reject('token_malformed', 'algorithm'),
  algorithm: reject('algorithm_not_allowed', 'algorithm'),
  payloadMalformed: reject('token_malformed', 'issuer'),
  issuer: reject('issuer_mismatch', 'issuer'),
  audience: reject('audience_mismatch', 'audience'),
  extension: reject('token_malformed', 'signature'),
  keyUnknown: reject('key_unknown', 'signature'),
  keysUnavailable: reject('keys_unavailable', 'signature'),
  signature: reject('signature_invalid', 'signature'),
  overloaded: reject('verifier_overloaded', 'signature'),
  timeMalformed: reject('token_malformed', 'expiry'),
  expired: reject('token_expired', 'expiry'),
  notYetValid: reject('token_not_yet_valid', 'expiry'),
  claimMissing: reject('claim_missing', 'expiry'),
  revoked: reject('token_revoked', 'signature'),
  tokenType: reject('claim_mismatch', 'rules'),
  bound: reject('claim_mismatch', 'rules'),
  ruleMissing: reject('claim_missing', 'rules'),
  ruleMismatch: reject('claim_mismatch', 'rules'),
  claimMismatch: reject('claim_mismatch', 'expiry'),
});
