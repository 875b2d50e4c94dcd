/** The end of the client's connection. */
export type End =
  /** Ended by the gateway. */
  | 'closed'
  /** Good for another request, which gets its response. */
  | 'open'
  /** Left open, and the engine waits for more bytes until its idle time is over. */
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
  /** What the client gets: status codes, with the reason of the gateway or `page` for the engine's own. */
  readonly responses: readonly string[];
  readonly end: End;
  /** The client ends its direction after the last piece. */
  readonly halfClose: boolean;
  /** The engine would read later bytes as a part of it, so nothing is sent after it. */
  readonly alone: boolean;
  /** Requests as they reached upstream, byte for byte. */
  readonly upstream: readonly string[];
  /** Counted outcomes: how many requests the engine made of the bytes, and how they ended. */
  readonly counted: readonly string[];
}

export type Options = Partial<Omit<Row, 'name' | 'pieces' | 'upstream'>>;

/** Reaches upstream as `upstream`; gets a response and leaves the connection open, by default. */
export function carried(
  name: string,
  bytes: string | readonly string[],
  upstream: string | readonly string[],
  options: Options = {},
): Row {
  const requests = typeof upstream === 'string' ? [upstream] : upstream;
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
    ...options,
  };
}

/** Refused by the gateway with 400 and close; nothing reaches upstream. */
export function malformed(name: string, bytes: string, options: Options = {}): Row {
  const responses = ['400 request_malformed'];
  return carried(name, bytes, [], { responses, end: 'closed', counted: ['request_malformed'], ...options });
}

/** The engine refuses it with its own page, and the gateway never sees it, by default. */
export function page(name: string, bytes: string, status: 400 | 431 | 505, options: Options = {}): Row {
  return carried(name, bytes, [], { responses: [`${status} page`], end: 'closed', counted: [], ...options });
}

/** The engine waits for more; no response, and nothing reaches upstream. */
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
