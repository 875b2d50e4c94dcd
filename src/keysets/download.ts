import type { IssuerConfig, RemoteKeysConfig } from '../config/config.ts';
import { KeyError } from '../keys/key-error.ts';
import { shownUrl } from '../keys/key-url.ts';
import { readDiscovery } from './discovery.ts';
import { accepted, type Fetch, FetchError, fetchDocument } from './fetch-document.ts';
import { type ReadKeySet, readKeySetInSlices } from './read-key-set.ts';

export interface Download extends ReadKeySet {
  readonly freshMs: number | undefined;
}

/** The algorithms for which a source may have keys. */
export function algorithmsOf(issuer: IssuerConfig, remote: RemoteKeysConfig): readonly string[] {
  return remote.algorithms ?? issuer.algorithms;
}

/** Fetches an issuer's key set, through its discovery document if that is configured. Throws FetchError. */
export async function download(
  issuer: IssuerConfig,
  remote: RemoteKeysConfig,
  options: { readonly fetch: Fetch; readonly signal: AbortSignal },
): Promise<Download> {
  const fetchOptions = { ...options, allowHttp: remote.allowHttp };
  let url = new URL(remote.url);
  let secure = false;
  if (remote.kind === 'discovery') {
    const document = await fetchDocument(url, secure, { ...fetchOptions, accept: accepted.discovery });
    url = readDiscovery(document.text, url, issuer.issuer ?? '');
    secure = document.secure;
  }
  const { text, freshMs } = await fetchDocument(url, secure, { ...fetchOptions, accept: accepted.keySet });
  try {
    return { ...(await readKeySetInSlices(text, algorithmsOf(issuer, remote))), freshMs };
  } catch (error) {
    if (error instanceof KeyError) throw new FetchError(`${shownUrl(url)} ${error.message}`);
    throw error;
  }
}
