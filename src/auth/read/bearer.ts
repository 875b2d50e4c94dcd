import { isToken } from '../../http/token.ts';
import { rejections } from '../rejections.ts';
import type { Rejection } from '../verdict.ts';

const SPACE = 0x20;

/** The token of an Authorization value (RFC 6750 §2.1), or the reason why there is none; see `tokenAfter`. */
export function bearerToken(authorization: string | undefined): string | Rejection {
  return authorization === undefined ? rejections.missing : tokenAfter('bearer', authorization);
}

/**
 * The token after a scheme, or the reason why there is none. The scheme matches in any case, and several spaces may
 * follow it. A value with another scheme carries no token. A scheme without a token, or with more than one word after it
 * (a tab, a list, inner spaces), is malformed: two readers could read different tokens from it. The characters of the
 * token are checked later, where its segments are decoded.
 * @param scheme in lower case.
 */
export function tokenAfter(scheme: string, value: string): string | Rejection {
  const { length } = scheme;
  const end = endOf(value);
  if (value.slice(0, length).toLowerCase() !== scheme) return rejections.notBearer;
  if (end > length && isToken(value.charAt(length))) return rejections.notBearer;
  if (end <= length || value.charCodeAt(length) !== SPACE) return rejections.bearerMalformed;
  let start = length + 1;
  while (value.charCodeAt(start) === SPACE) start += 1;
  return oneWord(value.slice(start, end));
}

/** The token of a header whose whole value is a token, or the reason why there is none. */
export function bareToken(value: string): string | Rejection {
  return oneWord(value.slice(0, endOf(value)));
}

function endOf(value: string): number {
  let end = value.length;
  while (end > 0 && value.charCodeAt(end - 1) === SPACE) end -= 1;
  return end;
}

function oneWord(text: string): string | Rejection {
  const isWord = text !== '' && text.indexOf(' ') < 0 && text.indexOf('\t') < 0 && text.indexOf(',') < 0;
  return isWord ? text : rejections.bearerMalformed;
}

/** Whether the value is `Bearer`, one space and the token. Tokens are remembered by this spelling. */
export function isCanonical(authorization: string, token: string): boolean {
  return authorization.length === token.length + 7 && authorization.startsWith('Bearer ');
}
