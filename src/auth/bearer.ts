import type { Rejection } from '../types.ts';
import { rejections } from './rejections.ts';

const SPACE = 0x20;
const tchar = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]$/;

/**
 * The token of an Authorization value (RFC 6750 §2.1), or why there is none. The scheme matches in any case and
 * several spaces may follow it. Another scheme counts as no token at all; `Bearer` followed by nothing, or by more
 * than one word (a tab, a list, inner spaces), is malformed, because two readers could disagree about what it says.
 * Which characters a token is made of is judged segment by segment, where each is decoded.
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
  return token !== '' && isOneWord(token) ? token : rejections.bearerMalformed;
}

function isOneWord(text: string): boolean {
  return text.indexOf(' ') < 0 && text.indexOf('\t') < 0 && text.indexOf(',') < 0;
}
