import { readPublishedJwks } from '../keys/jwks.ts';
import { KeyError } from '../keys/key-error.ts';
import { discoveryUrl, shownUrl } from '../keys/key-url.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { readDiscovery } from '../keysets/discovery.ts';
import { accepted, FetchError, fetchDocument } from '../keysets/fetch-document.ts';
import { systemFetch } from '../keysets/system-fetch.ts';
import { foreignJson } from '../lib/foreign-text.ts';
import { StartError } from '../lib/start-error.ts';

/** Milliseconds for the discovery document and the key set together: a person waits for them. */
const LIMIT_MS = 15_000;
/** Keys that are shown; identity providers publish a few. */
const MAX_SHOWN_KEYS = 20;

/** What an issuer publishes about its keys. */
export interface IssuerFacts {
  /** The address of the key set. */
  readonly jwks: string;
  /** A line for each entry of the set: its kid, alg, use, and why it is of no use if it is not. */
  readonly lines: readonly string[];
  /** The algorithms of its keys, one for each key and each once; never empty. */
  readonly algorithms: readonly string[];
  /** Every algorithm that some key could verify. */
  readonly possible: readonly string[];
}

/**
 * Fetches the discovery document of an issuer, and its key set.
 * @param place the issuer's URL, or that of its discovery document. @throws StartError with one sentence
 */
export async function askIssuer(
  issuer: string,
  place: URL,
  { allowHttp }: { readonly allowHttp: boolean },
): Promise<IssuerFacts> {
  const from = discoveryUrl(place);
  const late = new FetchError(`${shownUrl(from)} took longer than ${LIMIT_MS / 1000} s, with its key set`);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(late), LIMIT_MS);
  try {
    const request = { fetch: systemFetch, allowHttp, signal: abort.signal };
    const document = await fetchDocument(from, false, { ...request, accept: accepted.discovery });
    const url = readDiscovery(document.text, from, issuer);
    const { text } = await fetchDocument(url, document.secure, { ...request, accept: accepted.keySet });
    return readFacts(text, url);
  } catch (error) {
    if (error instanceof FetchError)
      throw new StartError(`${error.message}; nothing was written`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function readFacts(text: string, url: URL): IssuerFacts {
  const { keys, ignored } = published(text, url);
  const lines = [...keys.map(lineOf), ...ignored];
  const more = lines.length - MAX_SHOWN_KEYS;
  if (more > 0) lines.splice(MAX_SHOWN_KEYS, more, `and ${more} more`);
  if (keys.length === 0) {
    const why = lines.length === 0 ? '' : `:\n  ${lines.join('\n  ')}`;
    throw new FetchError(`${shownUrl(url)} has no key by which tokens can be verified${why}`);
  }
  const once = (names: readonly string[]): readonly string[] => [...new Set(names)];
  return {
    jwks: url.href,
    lines,
    algorithms: once(keys.map(({ algorithms: [first = ''] }) => first)),
    possible: once(keys.flatMap(({ algorithms }) => algorithms)),
  };
}

function published(
  text: string,
  url: URL,
): { readonly keys: readonly PublicKey[]; readonly ignored: readonly string[] } {
  try {
    const reading = readPublishedJwks(text);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return step.value;
    }
  } catch (error) {
    if (error instanceof KeyError) throw new FetchError(`${shownUrl(url)} ${error.message}`);
    throw error;
  }
}

/** Usable keys are for signatures: `use` is `sig`, or left out. */
function lineOf({ kid, algorithms, label }: PublicKey): string {
  const id = kid === undefined ? 'without kid' : `kid ${foreignJson(kid)}`;
  return `${id}, ${label}, for ${algorithms.join(', ')}`;
}
