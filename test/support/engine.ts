const chosen = process.env['TEST_ENGINE'];

/** Whether the addresses of the gateways that tests start have TLS: TEST_ENGINE=tls. */
export const overTls = chosen === 'tls';

/** The front of these gateways: `npm test` runs the folders of `scripts/test.mjs` with each. */
export const testEngine: 'uws' | 'node' = overTls || chosen === 'node' ? 'node' : 'uws';

/** The scheme by which clients reach these gateways. */
export const testScheme = overTls ? 'https' : 'http';

/** What the access log says of TLS for the client that speaks in bytes, which names no host. */
export const loggedTls = overTls ? { tls: 'TLSv1.3', sni: null } : {};

/** In what the engines differ for a client: the first column of the table in docs/http-semantics.md. */
export const differences = [
  'a head that breaks the grammar',
  'the log of a refused head',
  'lines before a request line',
  'an empty field name',
  'DEL in a value',
  'bytes from 0x80 up',
  'the number of header fields',
  '`limits.requestHead`',
  '`limits.requestsPerConnection`',
  'HTTP/1.0',
  'other versions of HTTP',
  'absolute form',
  '`OPTIONS *`',
  'other transfer codings',
  'chunk lines',
  'trailers',
  'the connection after a chunked request',
  'pipelining',
  'half-close',
  'a client that leaves without a reset',
  '`Expect: 100-continue`',
  'a fast upload',
  'the head of a response',
  'interim responses: 103 and others',
  'the chunks of a response',
  'WebSocket and other upgrades',
  'a response that breaks off',
] as const;

export type Difference = (typeof differences)[number];

/** What a test expects of each engine; `tls` of the second one over TLS, where that differs from plain text. */
export interface ByEngine<T> {
  readonly uws: T;
  readonly node: T;
  readonly tls?: T;
}

/** What a test expects of the engine under test, where the engines differ. */
export function byEngine<T>(_difference: Difference, expected: ByEngine<T>): T {
  return overTls && expected.tls !== undefined ? expected.tls : expected[testEngine];
}
