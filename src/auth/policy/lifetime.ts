import type { IssuerConfig } from '../../config/config.ts';
import { follow } from '../read/claim-path.ts';
import { type JsonObject, member } from '../read/strict-json.ts';
import { rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';

/** The last second that a Date can express (ECMA-262 §21.4.1.1). A larger number, such as 1e400, is not a time. */
const LAST_SECOND = 8.64e12;

/**
 * The times and required claims of a token. The times are wall-clock milliseconds and include the issuer's tolerance
 * and its `maxAge`. With `maxAge`, a token is not valid before its `iat`: an `iat` in the future must not extend its
 * life. The faults are found in the order exp, nbf, iat, require.
 */
export interface Lifetime {
  readonly expiresAt: number;
  readonly notBefore: number;
  readonly expFault: Rejection | undefined;
  readonly nbfFault: Rejection | undefined;
  /** Of `iat` and the required claims. */
  readonly laterFault: Rejection | undefined;
}

export function readLifetime(claims: JsonObject, issuer: IssuerConfig): Lifetime {
  const exp = member(claims, 'exp');
  const nbf = member(claims, 'nbf');
  const iat = member(claims, 'iat');
  const tolerance = issuer.clockToleranceMs;
  const issuedAt = issuer.maxAgeMs < Number.POSITIVE_INFINITY && isNumericDate(iat) ? iat * 1000 : undefined;
  let expFault: Rejection | undefined;
  if (exp === undefined) expFault = issuer.expiry === 'required' ? rejections.claimMissing : undefined;
  else if (!isNumericDate(exp)) expFault = rejections.timeMalformed;
  return {
    expiresAt:
      tolerance +
      Math.min(
        isNumericDate(exp) ? exp * 1000 : Number.POSITIVE_INFINITY,
        (issuedAt ?? Number.POSITIVE_INFINITY) + issuer.maxAgeMs,
      ),
    notBefore:
      Math.max(
        isNumericDate(nbf) ? nbf * 1000 : Number.NEGATIVE_INFINITY,
        issuedAt ?? Number.NEGATIVE_INFINITY,
      ) - tolerance,
    expFault,
    nbfFault: nbf === undefined || isNumericDate(nbf) ? undefined : rejections.timeMalformed,
    laterFault: laterFault(claims, issuer),
  };
}

/** Why the token is not valid at `now`, in wall-clock milliseconds; undefined when it is valid. */
export function judgeLifetime(lifetime: Lifetime, now: number): Rejection | undefined {
  if (lifetime.expFault !== undefined) return lifetime.expFault;
  // RFC 7519 §4.1.4: the current time must be before exp, so equal is too late.
  if (now >= lifetime.expiresAt) return rejections.expired;
  if (lifetime.nbfFault !== undefined) return lifetime.nbfFault;
  if (now < lifetime.notBefore) return rejections.notYetValid;
  return lifetime.laterFault;
}

function laterFault(claims: JsonObject, issuer: IssuerConfig): Rejection | undefined {
  const iat = member(claims, 'iat');
  if (iat === undefined) {
    if (issuer.maxAgeMs < Number.POSITIVE_INFINITY) return rejections.claimMissing;
  } else if (!isNumericDate(iat)) return rejections.timeMalformed;
  for (const name of issuer.require) {
    const value = typeof name === 'string' ? member(claims, name) : follow(claims, name);
    if (value === undefined || value === null) return rejections.claimMissing;
  }
  return undefined;
}

/** Whether the value is a NumericDate (RFC 7519 §2): a number, which may have a fraction. */
function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND;
}
