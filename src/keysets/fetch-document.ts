import { shownUrl, urlObstacle } from '../keys/key-url.ts';
import { freshFor } from './freshness.ts';

/** Bytes of an unpacked document; a key set of a thousand RSA keys has half as many. */
const MAX_BYTES = 1024 * 1024;
/** Redirects for one document; a provider that has moved needs one or two. */
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A document could not be fetched. The message is one sentence that quotes no received byte. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/**
 * Values of Accept (RFC 9110 §12.5.1). The Kubernetes API server answers 406 to a client that does not accept the
 * registered type of a key set (RFC 7517 §8.5.2). Other servers send one as plain text, so every type is accepted last.
 */
export const accepted = {
  keySet: 'application/jwk-set+json, application/json;q=0.9, */*;q=0.1',
  discovery: 'application/json, */*;q=0.1',
} as const;

export interface FetchOptions {
  readonly fetch: Fetch;
  /** Value of the Accept header. */
  readonly accept: string;
  readonly allowHttp: boolean;
  /** Ends the fetch, which then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

export interface FetchedDocument {
  readonly text: string;
  /** Milliseconds for which the document is fresh; undefined when the response does not say. */
  readonly freshMs: number | undefined;
  /** Whether every redirect and the document used https. */
  readonly secure: boolean;
}

/**
 * Fetches a document with status 200. After https, every redirect must be https too, also to this machine and with
 * allowHttp: a redirect must not expose the keys. Throws FetchError, or the reason of the signal.
 * @param secure whether the address itself was fetched over https.
 */
export async function fetchDocument(
  start: URL,
  secure: boolean,
  options: FetchOptions,
): Promise<FetchedDocument> {
  let url = start;
  let mustBeSecure = secure;
  for (let redirects = 0; ; redirects += 1) {
    assertAllowed(url, start, mustBeSecure, options.allowHttp);
    mustBeSecure ||= url.protocol === 'https:';
    const response = await ask(url, options);
    if (REDIRECTS.has(response.status)) {
      await discard(response);
      if (redirects === MAX_REDIRECTS) {
        throw new FetchError(`${shownUrl(start)} redirects more than ${MAX_REDIRECTS} times`);
      }
      url = target(response, url);
      continue;
    }
    const text = textOf(await readContent(response, url, MAX_BYTES), url);
    return { text, freshMs: freshFor(response.headers), secure: url.protocol === 'https:' };
  }
}

function assertAllowed(url: URL, start: URL, mustBeSecure: boolean, allowHttp: boolean): void {
  const where = url === start ? shownUrl(url) : `${shownUrl(start)} redirects to ${shownUrl(url)}, which`;
  if (mustBeSecure && url.protocol !== 'https:') {
    throw new FetchError(`${where} is not https, as the way to it was; must be https`);
  }
  const obstacle = urlObstacle(url, allowHttp);
  if (obstacle !== undefined) throw new FetchError(`${where} ${obstacle}`);
}

/**
 * Asks once, by GET or by POST with `body`; redirects are not followed.
 * @throws FetchError, or the reason of the signal.
 */
export async function ask(
  url: URL,
  { fetch, accept, signal }: Pick<FetchOptions, 'fetch' | 'accept' | 'signal'>,
  body?: { readonly type: string; readonly bytes: Uint8Array },
): Promise<Response> {
  const headers = { accept, 'user-agent': 'portcullis' };
  const sent =
    body === undefined
      ? { headers }
      : { method: 'POST', headers: { ...headers, 'content-type': body.type }, body: Buffer.from(body.bytes) };
  try {
    return await fetch(url, { signal, redirect: 'manual', credentials: 'omit', ...sent });
  } catch (error) {
    throw failure(url, error);
  }
}

/** Frees the connection of a response whose body is not needed. */
async function discard(response: Response): Promise<void> {
  try {
    await response.body?.cancel();
  } catch {
    // The connection has ended already.
  }
}

function target(response: Response, from: URL): URL {
  const location = response.headers.get('location') ?? '';
  if (location === '' || !URL.canParse(location, from.href)) {
    throw new FetchError(`${shownUrl(from)} redirects without an address`);
  }
  return new URL(location, from);
}

/**
 * The content of a response with status 200, up to `most` unpacked bytes; Content-Length and the packed size do not show
 * that size.
 * @throws FetchError, or the reason of the signal.
 */
export async function readContent(response: Response, url: URL, most: number): Promise<Buffer> {
  if (response.status !== 200) {
    await discard(response);
    throw new FetchError(`${shownUrl(url)} answered with status ${response.status}; must be 200`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > most) throw new FetchError(`${shownUrl(url)} sent more than ${most} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw failure(url, error);
  }
  return Buffer.concat(chunks, bytes);
}

function textOf(content: Buffer, url: URL): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new FetchError(`${shownUrl(url)} did not send UTF-8 text`);
  }
}

const UNTRUSTED = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** Whether an error code means that the certificate is not trusted. */
export function isUntrusted(reason: string): boolean {
  return UNTRUSTED.test(reason);
}

/** The cause of a failed fetch: a code for messages, the system call, and the library's message. */
export function causeOf(error: TypeError): {
  readonly reason: string;
  readonly syscall: unknown;
  readonly message: string | undefined;
} {
  // For an aborted connection the library wraps the error with the code in one without.
  const cause = error.cause instanceof DOMException ? error.cause.cause : error.cause;
  const { code, syscall, message } = (cause ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
    readonly message?: string;
  };
  return { reason: typeof code === 'string' ? code : 'no reason given', syscall, message };
}

/** @param where the server that cannot be reached, as the subject of the sentence. */
export function unreachable(where: string, reason: string): FetchError {
  return new FetchError(
    isUntrusted(reason)
      ? `${where} has a certificate that is not trusted (${reason}); NODE_EXTRA_CA_CERTS names further authorities`
      : `${where} cannot be reached (${reason})`,
  );
}

function failure(url: URL, error: unknown): unknown {
  return error instanceof TypeError ? unreachable(shownUrl(url), causeOf(error).reason) : error;
}
