import type { PostHeaders } from './post-handler.ts';

/**
 * The site whose page made a browser send a request: `own` is the admin address itself, `none` none that the request
 * tells of, as with programs.
 */
export type RequestOrigin = 'own' | 'foreign' | 'none';

/**
 * Judges a request by Origin (RFC 6454 §7) and by the fetch metadata (W3C Fetch Metadata, `Sec-Fetch-Site`), which no
 * script can set. A page of another site can send requests, and may follow a link; this tells them from our own.
 * @param method a link may lead here by GET: the browser then shows the reply to its user, and to no script.
 */
export function requestOrigin(headers: PostHeaders, method: string): RequestOrigin {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    const isLink =
      (method === 'GET' || method === 'HEAD') &&
      origin === undefined &&
      headers['sec-fetch-mode'] === 'navigate' &&
      headers['sec-fetch-dest'] === 'document';
    return isLink ? 'none' : 'foreign';
  }
  // A browser hides the origin of a page that asks it to (Referrer-Policy); then only the metadata tells.
  if (origin !== undefined && !(origin === 'null' && site === 'same-origin')) {
    return typeof host === 'string' && authorityOf(origin) === host.toLowerCase() ? 'own' : 'foreign';
  }
  return site === 'same-origin' ? 'own' : 'none';
}

/**
 * `host[:port]` of an origin as a browser sends it in Host; undefined for anything else. Which scheme it has does not matter: a
 * proxy in front may have TLS.
 */
function authorityOf(origin: PostHeaders[string]): string | undefined {
  if (typeof origin !== 'string' || !/^https?:\/\/[^/]+$/.test(origin)) return undefined;
  try {
    return new URL(origin).host;
  } catch {
    return undefined; // No URL, so no browser sent it.
  }
}
