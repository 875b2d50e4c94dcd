import { type Difference, testEngine } from '../support/engine.ts';

/** The end of the client's connection. */
export type End =
  /** Ended by the gateway. */
  | 'closed'
  /** Good for another request, which gets its response. */
  | 'open'
  /** Left open, and the front waits for more bytes until its idle time is over. */
  | 'waiting';

/** Bytes of one client connection in latin1, and their result. */
export interface Row {
  readonly name: string;
  /** Pieces that arrive one after another. `{bearer}` stands for a good Authorization value. */
  readonly pieces: readonly string[];
  /**
   * `guarded`: the route demands a token. `haproxy`: it does, and replies as HAProxy does. `telling`: upstream receives
   * the client's address.
   */
  readonly gateway: 'open' | 'guarded' | 'haproxy' | 'telling';
  /** What the client gets: status codes, with the reason of the gateway, or `page` for a page of uWebSockets.js. */
  readonly responses: readonly string[];
  readonly end: End;
  /** The client ends its direction after the last piece. */
  readonly halfClose: boolean;
  /** The front would read later bytes as a part of it, so nothing is sent after it. */
  readonly alone: boolean;
  /** Requests as they reached upstream, byte for byte. */
  readonly upstream: readonly string[];
  /** Counted outcomes: how many requests the front made of the bytes, and how they ended. */
  readonly counted: readonly string[];
}

/** What differs with Node.js's own sockets, and the line of the documentation that says so. */
export type OnNode = Partial<Pick<Row, 'pieces' | 'responses' | 'end' | 'upstream' | 'counted'>> & {
  readonly differs: Difference;
};

export type Options = Partial<Omit<Row, 'name' | 'pieces' | 'upstream'>> & { readonly node?: OnNode };

/** Reaches upstream as `upstream`; gets a response and leaves the connection open, by default. */
export function carried(
  name: string,
  bytes: string | readonly string[],
  upstream: string | readonly string[],
  options: Options = {},
): Row {
  const requests = typeof upstream === 'string' ? [upstream] : upstream;
  const { node, ...others } = options;
  return {
    name,
    pieces: typeof bytes === 'string' ? [bytes] : bytes,
    gateway: 'open',
    responses: requests.map(() => '200'),
    end: 'open',
    halfClose: false,
    alone: options.halfClose ?? false,
    upstream: requests,
    counted: requests.map(() => 'forwarded'),
    ...others,
    ...(testEngine === 'node' ? node : {}),
  };
}

/** Refused by the gateway with 400 and close; nothing reaches upstream. */
export function malformed(name: string, bytes: string, options: Options = {}): Row {
  const responses = ['400 request_malformed'];
  return carried(name, bytes, [], { responses, end: 'closed', counted: ['request_malformed'], ...options });
}

/** Refused with a reply of the gateway; nothing reaches upstream. */
export const refused = (
  status: 400 | 431 | 501 | 505,
  reason: string,
  differs: Difference = 'a head that breaks the grammar',
): OnNode => ({
  differs,
  responses: [`${status} ${reason}`],
  end: 'closed',
  upstream: [],
  counted: [reason],
});

/** Reaches upstream, and the connection stays open. */
export function passed(differs: Difference, ...upstream: readonly string[]): OnNode {
  const responses = upstream.map(() => '200');
  return { differs, responses, end: 'open', upstream, counted: upstream.map(() => 'forwarded') };
}

export const badHead = refused(400, 'request_malformed');
export const otherVersion = refused(505, 'http_version_not_supported', 'other versions of HTTP');

/**
 * uWebSockets.js refuses it with its own page, and the gateway never sees it, by default. Node.js's own sockets leave
 * the reply to the gateway.
 */
export function page(name: string, bytes: string, status: 400 | 431 | 505, options: Options = {}): Row {
  const node = status === 431 ? refused(431, 'request_head_too_large') : badHead;
  return carried(name, bytes, [], {
    responses: [`${status} page`],
    end: 'closed',
    counted: [],
    node,
    ...options,
  });
}

/** The gateway waits for more; no response, and nothing reaches upstream. */
export function waits(name: string, bytes: string, options: Options = {}): Row {
  return carried(name, bytes, [], { responses: [], end: 'waiting', counted: [], ...options });
}

/** A whole head; `line` is the request line without the version. */
export const head = (line: string, ...fields: string[]): string =>
  `${[`${line} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;

/** The head that the gateway writes; `fields` in lower case. */
export const sent = (line: string, ...fields: string[]): string =>
  `${[`${line} HTTP/1.1`, 'host: a.example', ...fields].join('\r\n')}\r\n\r\n`;

/** In place of a piece: the rest is sent after the first response. */
export const afterResponse = '{after response}';

/** Requests that must never reach upstream. */
export const smuggled = head('GET /smuggled');
