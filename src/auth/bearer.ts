import type { Rejection } from '../types.ts';
import { rejections } from './rejections.ts';

const SPACE = 0x20;
/** token68 of RFC 9110 §11.2; one class repeated and one closing run, so matching is linear in the length. */
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/;
const tchar = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]$/;

/**
 * The token of an Authorization value (RFC 6750 §2.1), or why there is none. The scheme matches in any case and
 * several spaces may follow it. Another scheme counts as no token at all; `Bearer` followed by anything but one
 * token68 (a tab, a list, inner spaces) is malformed, because two readers could disagree about what it says.
 */
export function bearerToken(authorization: string | undefined): string | Rejection {
  if (authorization === undefined) return rejections.missing;
  let end = authorization.length;
  while (end > 0 && authorization.charCodeAt(end - 1) === SPACE) end -= 1;
  if (authorization.slice(0, 6).toLowerCase() !== 'bearer') return rejections.notBearer;
  if (end > 6 && tchar.test(authorization.charAt(6))) return rejections.notBearer;
  if (end <= 6 || authorization.charCodeAt(6) !== SPACE) return rejections.bearerMalformed;
  let start = 7;
  while (authorization.charCodeAt(start) === SPACE) start += 1;
  const token = authorization.slice(start, end);
  return token68.test(token) ? token : rejections.bearerMalformed;
}
