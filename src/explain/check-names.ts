import { rejections } from '../auth/rejections.ts';
import type { Rejection } from '../auth/verdict.ts';

/** The checks of one token in the order in which a request meets them. */
export const checkNames = [
  'token',
  'form',
  'header',
  'algorithm',
  'payload',
  'issuer',
  'audience',
  'extensions',
  'key',
  'signature',
  'times',
  'required claims',
  'revocation',
  'kind',
  'scopes',
  'roles',
  'claims',
  'identity headers',
] as const;

export type CheckName = (typeof checkNames)[number];

const names = new Map<Rejection, CheckName>([
  [rejections.missing, 'token'],
  [rejections.notBearer, 'token'],
  [rejections.bearerMalformed, 'token'],
  [rejections.ambiguous, 'token'],
  [rejections.structure, 'form'],
  [rejections.headerMalformed, 'header'],
  [rejections.algorithm, 'algorithm'],
  [rejections.payloadMalformed, 'payload'],
  [rejections.issuer, 'issuer'],
  [rejections.audience, 'audience'],
  [rejections.extension, 'extensions'],
  [rejections.keyUnknown, 'key'],
  [rejections.keysUnavailable, 'key'],
  [rejections.signature, 'signature'],
  [rejections.overloaded, 'signature'],
  [rejections.expired, 'times'],
  [rejections.notYetValid, 'times'],
  [rejections.timeMalformed, 'times'],
  [rejections.claimMissing, 'required claims'],
  [rejections.revoked, 'revocation'],
  [rejections.tokenType, 'kind'],
  [rejections.bound, 'kind'],
  [rejections.ruleMissing, 'claims'],
  [rejections.ruleMismatch, 'claims'],
  [rejections.claimMismatch, 'identity headers'],
]);

/** The check at which a token failed. */
export function checkOf(rejection: Rejection): CheckName {
  const name = names.get(rejection);
  if (name !== undefined) return name;
  // Those of scopes and roles are made for each route.
  return rejection.reason === 'role_missing' ? 'roles' : 'scopes';
}
