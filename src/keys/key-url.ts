import { foreignText } from '../lib/foreign-text.ts';

/** Names and addresses of this machine, in the spelling of `URL`. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** The path of well-known documents (RFC 8615), and the discovery document of OpenID Connect Discovery 1.0 §4. */
const WELL_KNOWN = '/.well-known/';
const OPENID = `${WELL_KNOWN}openid-configuration`;

/** Whether a URL leads to this machine itself. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/**
 * Why keys must not be fetched from a URL; undefined when they may. An attacker who can change plain http traffic can
 * replace the keys and sign tokens, so plain http needs `allowHttp` unless the traffic stays on this machine. The text
 * completes the sentence `<url> …` and quotes nothing of the URL.
 */
export function urlObstacle(url: URL, allowHttp: boolean): string | undefined {
  if (url.username !== '' || url.password !== '') return 'holds a user or a password; must hold none';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'is not an https URL; must start with https://';
  if (allowHttp || isLoopback(url)) return undefined;
  return 'is plain http, in which anyone on the way could put other keys; must be https, or allowHttp: true';
}

/**
 * The URL of an issuer's discovery document (OpenID Connect Discovery 1.0 §4). A URL that already names a well-known
 * document stays as it is: authorization servers have `/.well-known/oauth-authorization-server/TENANT` (RFC 8414 §3.1),
 * and some providers put the tenant behind `openid-configuration` or into the query.
 */
export function discoveryUrl(url: URL): URL {
  const document = new URL(url);
  if (!document.pathname.includes(WELL_KNOWN)) {
    document.pathname = document.pathname.replace(/\/+$/, '') + OPENID;
  }
  return document;
}

/** Whether the path ends with `/.well-known/` and names no document there. */
export function lacksDocument(url: URL): boolean {
  return `${url.pathname}/`.replace(/\/+$/, '/').endsWith(WELL_KNOWN);
}

/** A URL as a message may show it. A query can hold a secret, and a foreign URL can have any length. */
export function shownUrl(url: URL): string {
  return foreignText(`${url.origin}${url.pathname}`);
}
