import type { Reason } from '../reasons.ts';
import type { Rejection, Stage } from './verdict.ts';

function refuse(reason: Reason, stage: Stage): Rejection {
  return Object.freeze({ kind: 'rejection', reason, stage });
}

/** The refusal of a route whose scopes or roles a token lacks; `scope`: what the challenge tells to ask for. */
export function insufficient(
  reason: 'scope_insufficient' | 'role_missing',
  scope: string | undefined,
): Rejection {
  return Object.freeze({ kind: 'rejection', reason, stage: 'rules', scope });
}

/** Every answer with which authorization can end short of a permit; shared, so that refusing allocates nothing. */
export const rejections = Object.freeze({
  missing: refuse('token_missing', 'header'),
  notBearer: refuse('token_missing', 'algorithm'),
  bearerMalformed: refuse('token_malformed', 'algorithm'),
  headerMalformed: refuse('token_malformed', 'algorithm'),
  algorithm: refuse('algorithm_not_allowed', 'algorithm'),
  payloadMalformed: refuse('token_malformed', 'issuer'),
  issuer: refuse('issuer_mismatch', 'issuer'),
  audience: refuse('audience_mismatch', 'audience'),
  ambiguous: refuse('authorization_ambiguous', 'signature'),
  structure: refuse('token_malformed', 'signature'),
  extension: refuse('token_malformed', 'signature'),
  keyUnknown: refuse('key_unknown', 'signature'),
  keysUnavailable: refuse('keys_unavailable', 'signature'),
  signature: refuse('signature_invalid', 'signature'),
  overloaded: refuse('verifier_overloaded', 'signature'),
  revoked: refuse('token_revoked', 'signature'),
  timeMalformed: refuse('token_malformed', 'expiry'),
  expired: refuse('token_expired', 'expiry'),
  notYetValid: refuse('token_not_yet_valid', 'expiry'),
  claimMissing: refuse('claim_missing', 'expiry'),
  claimMismatch: refuse('claim_mismatch', 'expiry'),
  tokenType: refuse('claim_mismatch', 'rules'),
  bound: refuse('claim_mismatch', 'rules'),
  ruleMissing: refuse('claim_missing', 'rules'),
  ruleMismatch: refuse('claim_mismatch', 'rules'),
});
