import type { RouteConfig, TokenPlace } from '../config/config.ts';
import { bytesAsSent, type RequestHead } from '../http/message.ts';
import { PROTOCOL_FIELD } from '../http/websocket/protocols.ts';
import { WEBSOCKET } from '../tunnel/upgrade.ts';

/** The request to explain. */
export interface Question {
  readonly method: string;
  readonly host: string;
  /** Without its query. */
  readonly path: string;
  /** Undefined for a request without a token. */
  readonly token: string | undefined;
  /** Undefined for a request that asks for no upgrade. */
  readonly upgrade?: AskedUpgrade | undefined;
}

/** An upgrade that a request asks for. */
export interface AskedUpgrade {
  /** In lower case. */
  readonly protocol: string;
  /** The value of Origin, undefined: none, as of a program without a page. */
  readonly origin: string | undefined;
}

/** A key of 16 bytes, as each client makes one (RFC 6455 §1.3). */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The request with its token, at the first place in which the route searches, and with a right handshake. */
export function headOf(question: Question, route: RouteConfig): RequestHead {
  const { method, host, path, token, upgrade } = question;
  const place: TokenPlace = route.token?.[0] ?? { kind: 'header', name: 'authorization', scheme: 'Bearer' };
  const fields: (readonly [name: string, value: string])[] = [['host', host]];
  if (upgrade !== undefined) fields.push(...handshakeOf(upgrade));
  let query: string | undefined;
  let authorization: string | undefined;
  if (token !== undefined) {
    if (place.kind === 'header') {
      const value = place.scheme === undefined ? token : `${place.scheme} ${token}`;
      fields.push([place.name, value]);
      if (place.name === 'authorization') authorization = value;
    } else if (place.kind === 'cookie') fields.push(['cookie', `${place.name}=${token}`]);
    else if (place.kind === 'protocol') fields.push([PROTOCOL_FIELD, `${place.name}, ${token}`]);
    else query = `${place.name}=${token}`;
  }
  return {
    method,
    path,
    query,
    names: fields.map(([name]) => name),
    values: fields.map(([, value]) => value),
    host,
    authorization,
    authorizationCount: authorization === undefined ? 0 : 1,
    charset: bytesAsSent,
    framing: 'none',
    contentLength: 0,
    close: false,
    fault: undefined,
  };
}

function handshakeOf({ protocol, origin }: AskedUpgrade): (readonly [name: string, value: string])[] {
  return [
    ['connection', 'upgrade'],
    ['upgrade', protocol],
    ...(protocol === WEBSOCKET
      ? ([
          ['sec-websocket-version', '13'],
          ['sec-websocket-key', KEY],
        ] as const)
      : []),
    ...(origin === undefined ? [] : ([['origin', origin]] as const)),
  ];
}
