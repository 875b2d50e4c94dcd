import { fieldSpelling } from '../../http/field-names.ts';
import { LooseName } from '../../http/loose-name.ts';
import { isToken } from '../../http/token.ts';
import type { TokenPlace } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileToken } from '../schema/forward.ts';
import type { Findings } from './findings.ts';
import { whyNoHeader } from './forward-headers.ts';

/** Characters of a cookie's name, which is a token (RFC 6265 §4.1.1), or of a scheme. */
const MAX_NAME = 256;
/** Names that need no escape in a query, so they have one plain spelling. */
const PARAMETER = /^[A-Za-z0-9._~-]{1,64}$/;

/** `Authorization: Bearer`, the default place. */
const USUAL: TokenPlace = { kind: 'header', name: 'authorization', scheme: 'Bearer' };

/** The places for a route's tokens; `isPublic`: the route takes none. */
export function resolveToken(
  token: FileToken | undefined,
  isPublic: boolean,
  path: KeyPath,
  findings: Findings,
): readonly TokenPlace[] | undefined {
  if (token === undefined) return undefined;
  if (isPublic) {
    findings.fault(
      path,
      'says where tokens stand, and auth is none; must be left out, or auth an issuer',
      'key',
    );
  }
  const places: TokenPlace[] = [];
  for (const [index, written] of [token].flat().entries()) {
    const at = Array.isArray(token) ? [...path, index] : path;
    const place = parse(written);
    if (typeof place === 'string') {
      findings.fault(at, place);
      continue;
    }
    if (places.some((other) => overlap(other, place))) {
      findings.fault(at, 'is a place that another of the list has already; must be another, or left out');
    }
    if (place.kind === 'query') {
      findings.warn(at, 'tokens in URLs are kept by browsers and by logs in front of the gateway');
    }
    places.push(place);
  }
  return places.length === 1 && places.every(isUsual) ? undefined : places;
}

/** Refuses a token in a field that the route writes: a client's field of that name never goes upstream. */
export function refuseWrittenPlaces(
  places: readonly TokenPlace[],
  written: ReadonlySet<string>,
  path: KeyPath,
  findings: Findings,
): void {
  for (const place of places) {
    if (place.kind !== 'header' || !written.has(fieldSpelling(place.name))) continue;
    findings.fault(path, 'has a header that a route writes for its upstream; must be another');
  }
}

/** A place, or the fault of its text and what would be right. */
function parse(written: string): TokenPlace | string {
  if (written === 'header') return USUAL;
  const colon = written.indexOf(':');
  const kind = written.slice(0, colon);
  const rest = written.slice(colon + 1);
  if (kind === 'cookie') {
    return isName(rest)
      ? { kind, name: rest }
      : "has no name of a cookie; must be letters, digits and !#$%&'*+-.^_`|~ behind cookie: such as cookie:access_token";
  }
  if (kind === 'query') {
    return PARAMETER.test(rest)
      ? { kind, name: rest }
      : 'has no name of a parameter; must be letters, digits and -._~ behind query: such as query:access_token';
  }
  if (kind === 'protocol') {
    return isName(rest)
      ? { kind, name: rest }
      : 'has no name of a subprotocol; must be letters and digits behind protocol: such as protocol:bearer';
  }
  const [name = '', scheme, ...more] = rest.split(' ');
  const obstacle = fieldSpelling(name) === 'authorization' ? undefined : whyNoHeader(name);
  if (obstacle !== undefined) return obstacle;
  if (more.length > 0 || (scheme !== undefined && !isName(scheme))) {
    return 'has no scheme behind the header; must be one word such as "header:X-Token Bearer", or left out';
  }
  return { kind: 'header', name: name.toLowerCase(), scheme };
}

function isName(text: string): boolean {
  return text.length <= MAX_NAME && isToken(text);
}

/** Whether one request could carry a token for both places. Two schemes of one field differ; a bare token and a scheme do not. */
function overlap(a: TokenPlace, b: TokenPlace): boolean {
  if (a.kind !== 'header' || b.kind !== 'header') {
    return a.kind === b.kind && (a.kind === 'protocol' || new LooseName(a.name).is(b.name));
  }
  if (fieldSpelling(a.name) !== fieldSpelling(b.name)) return false;
  return (
    a.scheme === undefined || b.scheme === undefined || a.scheme.toLowerCase() === b.scheme.toLowerCase()
  );
}

function isUsual(place: TokenPlace): boolean {
  return place.kind === 'header' && place.name === USUAL.name && place.scheme?.toLowerCase() === 'bearer';
}
