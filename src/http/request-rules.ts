import { isToken } from './token.ts';

/** The first character of every path; the asterisk form and the absolute form have another, and no route fits them. */
const SLASH = 0x2f;
/** Anything but visible ASCII, and `#`, which no request target may hold (RFC 9112 §3.2, RFC 3986 §3.5). */
const badInTarget = /[^\x21-\x7e]|#/;

/**
 * Whether the gateway refuses this method on every route. CONNECT asks for a tunnel, which the gateway does not offer;
 * TRACE would send the token back to its sender (RFC 9110 §9.3.8).
 */
export function isRefusedMethod(method: string): boolean {
  return method === 'CONNECT' || method === 'TRACE';
}

/**
 * Whether a request with this method and target may be served. The rules are the same for all versions of HTTP.
 * @param path as sent, without query.
 * @param query without `?`; undefined when there was no `?`.
 */
export function isServable(method: string, path: string, query: string | undefined): boolean {
  // Most requests are GET, which needs no expression.
  if (method !== 'GET' && (!isToken(method) || isRefusedMethod(method))) return false;
  if (path.charCodeAt(0) !== SLASH || badInTarget.test(path)) return false;
  return query === undefined || !badInTarget.test(query);
}
