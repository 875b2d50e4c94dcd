import type { TokenPlace } from '../../config/config.ts';
import { cookieValues } from '../../http/cookies.ts';
import { LooseName } from '../../http/loose-name.ts';
import type { RequestHead } from '../../http/message.ts';
import { NameSet } from '../../http/name-set.ts';
import { parameterValues } from '../../http/query-parameters.ts';
import { behindNames, offeredProtocols } from '../../http/websocket/protocols.ts';
import { rejections } from '../rejections.ts';
import type { Rejection, TokenTraces } from '../verdict.ts';
import { bareToken, tokenAfter } from './bearer.ts';

/** The characters of a token in a URL. Base64url and dots need no escape, and a token with escapes is another token. */
const plainToken = /^[A-Za-z0-9_.-]+$/;

/** Reads one place: a token, or a rejection. `missing` and `notBearer` mean that the place holds no token. */
type Reader = (head: RequestHead) => string | Rejection;

/**
 * The places of a route where a token may stand. All are read. The place that is not empty decides, even if its token is
 * malformed. A request with two such places is refused, even with the same token (RFC 6750 §2: one method at a time):
 * upstream could read the other place.
 */
export class TokenPlaces {
  readonly #readers: readonly Reader[];

  constructor(places: readonly TokenPlace[]) {
    this.#readers = places.map(readerOf);
  }

  /** The token, possibly a slice of a header's value, or the reason why there is none. */
  find(head: RequestHead): string | Rejection {
    let found: string | Rejection | undefined;
    let absent: Rejection = rejections.missing;
    for (const read of this.#readers) {
      const held = read(head);
      if (held === rejections.missing) continue;
      if (held === rejections.notBearer) {
        absent = held;
        continue;
      }
      if (found !== undefined) return rejections.ambiguous;
      found = held;
    }
    return found ?? absent;
  }
}

/**
 * The parts of a request that upstream does not get. With `strip`, everything at the places of the token; with `keep`,
 * only the query parameters, because URLs are logged, and subprotocols. In both cases an Authorization header that is
 * not one of the places. Undefined when there are no such parts.
 */
export function tracesOf(places: readonly TokenPlace[], token: 'keep' | 'strip'): TokenTraces | undefined {
  const headers: string[] = [];
  const cookies: string[] = [];
  const parameters: string[] = [];
  const protocols: string[] = [];
  for (const { kind, name } of places) {
    if (kind === 'query') parameters.push(name);
    // A server takes each of them for a protocol, and the client would take a token for the one that was chosen.
    else if (kind === 'protocol') protocols.push(name);
    else if (token === 'strip') (kind === 'cookie' ? cookies : headers).push(name);
  }
  // Nothing here checks that header, and upstream would take it for the verified token.
  if (!places.some(({ name }) => name === 'authorization')) headers.push('authorization');
  if (headers.length + cookies.length + parameters.length + protocols.length === 0) return undefined;
  return Object.freeze({ headers: new NameSet(headers), cookies, parameters, protocols });
}

function readerOf(place: TokenPlace): Reader {
  const { kind, name } = place;
  switch (kind) {
    case 'header':
      return inHeader(name, place.scheme);
    case 'cookie':
      return inCookie(new LooseName(name));
    case 'query':
      return inQuery(new LooseName(name));
    case 'protocol':
      return inProtocol(name);
  }
}

function inCookie(name: LooseName): Reader {
  return (head) => single(cookies(head, name), bareToken);
}

function inQuery(name: LooseName): Reader {
  return ({ query }) =>
    query === undefined ? rejections.missing : single(parameterValues(query, name), inUrl);
}

/** Reads every spelling that some server takes for the name, such as `x_token` for `X-Token`: only one may be there. */
function inHeader(name: string, scheme: string | undefined): Reader {
  const read = scheme === undefined ? bareToken : (value: string) => tokenAfter(scheme.toLowerCase(), value);
  const spellings = new NameSet([name]);
  return ({ names, values }) =>
    single(
      values.filter((_, at) => spellings.has(names[at] as string)),
      read,
    );
}

/** HTTP/1.1 clients send one Cookie field (RFC 6265 §5.4). A request over HTTP/2 may have several. */
function cookies({ names, values }: RequestHead, name: LooseName): readonly string[] {
  const found: string[] = [];
  names.forEach((header, at) => {
    if (header === 'cookie') found.push(...cookieValues(values[at] as string, name));
  });
  return found;
}

/** Names of subprotocols are compared letter by letter (RFC 6455 §4.1). */
function inProtocol(name: string): Reader {
  return (head) =>
    single(
      behindNames(offeredProtocols(head), name).map((token) => token ?? ''),
      inUrl,
    );
}

function inUrl(value: string): string | Rejection {
  return plainToken.test(value) ? value : rejections.bearerMalformed;
}

function single(values: readonly string[], read: (value: string) => string | Rejection): string | Rejection {
  const [value] = values;
  if (value === undefined) return rejections.missing;
  return values.length > 1 ? rejections.ambiguous : read(value);
}
