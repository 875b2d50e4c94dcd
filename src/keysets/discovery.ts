import { shownUrl } from '../keys/key-url.ts';
import { foreignJson } from '../lib/foreign-text.ts';
import { slashHint } from '../lib/slash-hint.ts';
import { FetchError } from './fetch-document.ts';

/** Characters of an issuer in a message. */
const MAX_SHOWN = 200;

/**
 * Reads the address of the key set of `issuer` from an OpenID Connect discovery document. A document that names another
 * issuer is refused (OpenID Connect Discovery 1.0 §4.3). Throws FetchError.
 */
export function readDiscovery(text: string, from: URL, issuer: string): URL {
  const where = shownUrl(from);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new FetchError(`${where} is not JSON; must be an OpenID discovery document`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new FetchError(`${where} is not an OpenID discovery document`);
  }
  const { issuer: named, jwks_uri: address } = document as Readonly<Record<string, unknown>>;
  if (typeof named !== 'string') throw new FetchError(`${where} names no issuer`);
  if (named !== issuer) throw new FetchError(`${where} ${mismatch(named, issuer)}`);
  if (typeof address !== 'string' || !URL.canParse(address)) {
    throw new FetchError(`${where} has no jwks_uri that is a URL`);
  }
  return new URL(address);
}

function mismatch(named: string, issuer: string): string {
  const difference = slashHint(named, issuer);
  return `names the issuer ${foreignJson(named, MAX_SHOWN)}, and the configuration ${JSON.stringify(issuer)}${difference}; must be equal`;
}
