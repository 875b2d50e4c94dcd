import type { Reason } from '../reasons.ts';
import { rejections } from './rejections.ts';
import type { Rejection } from './verdict.ts';

interface Check {
  readonly name: string;
  /** How a request fails the check, in the order in which they are found. */
  readonly rejections: readonly Rejection[];
  /** The reason of rejections that each route makes for itself. */
  readonly reason?: Reason;
}

/**
 * Every check of one token. The order is that of a request, and the first check that fails decides the rejection.
 *
 * With `rejection: haproxy`, faults that need no signature are reported in the order of their stages, and in this order
 * within a stage. After the signature both orders are the same.
 *
 * `verifier_overloaded` is not a fault of the token: every request that would have to wait can end with it.
 */
export const checks = [
  {
    name: 'token',
    rejections: [rejections.missing, rejections.ambiguous, rejections.notBearer, rejections.bearerMalformed],
  },
  { name: 'form', rejections: [rejections.structure] },
  { name: 'header', rejections: [rejections.headerMalformed] },
  { name: 'algorithm', rejections: [rejections.algorithm] },
  { name: 'payload', rejections: [rejections.payloadMalformed] },
  { name: 'issuer', rejections: [rejections.issuer] },
  { name: 'audience', rejections: [rejections.audience] },
  { name: 'extensions', rejections: [rejections.extension] },
  { name: 'key', rejections: [rejections.keyUnknown, rejections.keysUnavailable] },
  { name: 'signature', rejections: [rejections.signature, rejections.overloaded] },
  { name: 'times', rejections: [rejections.timeMalformed, rejections.expired, rejections.notYetValid] },
  { name: 'required claims', rejections: [rejections.claimMissing] },
  { name: 'revocation', rejections: [rejections.revoked] },
  { name: 'kind', rejections: [rejections.tokenType, rejections.bound] },
  { name: 'scopes', rejections: [], reason: 'scope_insufficient' },
  { name: 'roles', rejections: [], reason: 'role_missing' },
  { name: 'claims', rejections: [rejections.ruleMissing, rejections.ruleMismatch] },
  { name: 'identity headers', rejections: [rejections.claimMismatch] },
] as const satisfies readonly Check[];

export type CheckName = (typeof checks)[number]['name'];

/** @returns the place in `checks` of the check at which a request failed. */
export function checkOf(rejection: Rejection): number {
  const list: readonly Check[] = checks;
  const at = list.findIndex((check) => check.rejections.includes(rejection));
  return at >= 0 ? at : list.findIndex(({ reason }) => reason === rejection.reason);
}
