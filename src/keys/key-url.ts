import { foreignText } from '../lib/foreign-text.ts';

/** Names and addresses of this machine itself, as `URL` spells them. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** The folder of documents at fixed places (RFC 8615), and the one of OpenID Connect Discovery 1.0 §4. */
const WELL_KNOWN = '/.well-known/';
const OPENID = `${WELL_KNOWN}openid-configuration`;

/** Whether an address is one of this machine itself. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/**
 * Why keys must not be fetched from there; undefined when they may. Anyone who can change what comes over plain http can
 * sign tokens, so that takes the user's word unless the traffic never leaves the machine. The text completes the
 * sentence `<url> …` and quotes nothing.
 */
export function urlObstacle(url: URL, allowHttp: boolean): string | undefined {
  if (url.username !== '' || url.password !== '') return 'holds a user or a password; must hold none';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'is not an https URL; must start with https://';
  if (allowHttp || isLoopback(url)) return undefined;
  return 'is plain http, in which anyone on the way could put other keys; must be https, or allowHttp: true';
}

/**
 * The address of the discovery document of an issuer (OpenID Connect Discovery 1.0 §4). One that names a document
 * already stays as it is: authorization servers have `/.well-known/oauth-authorization-server/TENANT` (RFC 8414 §3.1),
 * and some providers put the tenant behind `openid-configuration` or into the query.
 */
export function discoveryUrl(url: URL): URL {
  const document = new URL(url);
  if (!document.pathname.includes(WELL_KNOWN)) {
    document.pathname = document.pathname.replace(/\/+$/, '') + OPENID;
  }
  return document;
}

/** Whether the path ends with the folder and names no document in it. */
export function lacksDocument(url: URL): boolean {
  return `${url.pathname}/`.replace(/\/+$/, '/').endsWith(WELL_KNOWN);
}

/** An address as it may be shown: a query can hold a secret, and a stranger may have chosen the length. */
export function shownUrl(url: URL): string {
  return foreignText(`${url.origin}${url.pathname}`);
}
