import { foreignText } from '../lib/foreign-text.ts';

/** Names and addresses of this machine itself, as `URL` spells them. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const WELL_KNOWN = '/.well-known/openid-configuration';

/**
 * Why keys must not be fetched from there; undefined when they may. Who can change what comes over plain http can
 * sign tokens, so that takes the user's word unless the traffic never leaves the machine. The text completes the
 * sentence `<url> …` and quotes nothing.
 */
export function urlObstacle(url: URL, allowHttp: boolean): string | undefined {
  if (url.username !== '' || url.password !== '') return 'holds a user or a password; must hold none';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'is not an https URL; must start with https://';
  if (allowHttp || LOOPBACK.test(url.hostname)) return undefined;
  return 'is plain http, in which anyone on the way could put keys of his own; must be https, or allowHttp: true';
}

/** The address of the discovery document of an issuer (OpenID Connect Discovery 1.0 §4). */
export function discoveryUrl(url: URL): URL {
  const document = new URL(url);
  if (!document.pathname.endsWith(WELL_KNOWN)) {
    document.pathname = document.pathname.replace(/\/+$/, '') + WELL_KNOWN;
  }
  return document;
}

/** An address as it may be shown: a query can hold a secret, and a stranger may have chosen the length. */
export function shownUrl(url: URL): string {
  return foreignText(`${url.origin}${url.pathname}`);
}
