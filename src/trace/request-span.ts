/** The facts of one request for its span. */
export interface RequestSpan {
  readonly traceId: string;
  /** That upstream got as its parent. */
  readonly spanId: string;
  /** The span of the caller; empty: the trace begins here. */
  readonly parentId: string;
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** These four as the access log shows them: cut, visible, without tokens and query. */
  readonly method: string;
  readonly host: string;
  /** Undefined: paths are not exported. */
  readonly path: string | undefined;
  readonly client: string | null;
  readonly scheme: 'http' | 'https';
  readonly protocol: string;
  /** Undefined: no route took the request. */
  readonly route: string | undefined;
  readonly outcome: string;
  readonly status: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly upstream: string | null;
  readonly server: string | null;
  readonly attempts: number;
  /** The token was known as verified; undefined: none was asked for. */
  readonly cached: boolean | undefined;
  /** From the question to the verdict on a token that was not known. */
  readonly verificationMs: number | undefined;
  readonly requestId: string | undefined;
}

type Attributes = Record<string, string | number | boolean>;

/** Methods that keep their name: a span's name comes from a bounded set (semantic conventions for HTTP spans). */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
]);
/** The lowest status that is an error of the server. */
const FIRST_ERROR_STATUS = 500;
const VERSIONS: Readonly<Record<string, string>> = { 'http/1.0': '1.0', 'http/1.1': '1.1', h2: '2' };

/** The method and the route. */
export function spanName({ method, route }: RequestSpan): string {
  const shown = METHODS.has(method) ? method : 'HTTP';
  return route === undefined ? shown : `${shown} ${route}`;
}

/** Why the request counts as failed by a fault of a server; undefined: it does not. */
export function spanError({ status, outcome }: RequestSpan): string | undefined {
  if (status === null || status < FIRST_ERROR_STATUS) return undefined;
  return outcome === 'forwarded' ? String(status) : outcome;
}

/** Attributes by the semantic conventions for HTTP server spans, and `portcullis.…` for what they do not have. */
export function spanAttributes(span: RequestSpan): Attributes {
  const { method, path, route, status, client, upstream, server, cached, verificationMs, requestId } = span;
  const isKnown = METHODS.has(method);
  const error = spanError(span);
  return {
    'http.request.method': isKnown ? method : '_OTHER',
    ...(isKnown ? {} : { 'http.request.method_original': method }),
    ...(route === undefined ? {} : { 'http.route': route }),
    ...(status === null ? {} : { 'http.response.status_code': status }),
    'url.scheme': span.scheme,
    ...(path === undefined ? {} : { 'url.path': path }),
    ...serverOf(span.host),
    ...(client === null ? {} : { 'client.address': client }),
    'network.protocol.name': 'http',
    'network.protocol.version': VERSIONS[span.protocol] ?? span.protocol,
    'http.request.body.size': span.requestBytes,
    'http.response.body.size': span.responseBytes,
    ...(error === undefined ? {} : { 'error.type': error }),
    'portcullis.outcome': span.outcome,
    ...(cached === undefined ? {} : { 'portcullis.token.cached': cached }),
    ...(verificationMs === undefined ? {} : { 'portcullis.verification.duration': verificationMs / 1000 }),
    ...(upstream === null ? {} : { 'portcullis.upstream.name': upstream }),
    ...(server === null ? {} : { 'portcullis.upstream.server': server }),
    ...(upstream === null ? {} : { 'portcullis.upstream.attempts': span.attempts }),
    ...(requestId === undefined ? {} : { 'portcullis.request.id': requestId }),
  };
}

/** The host that the client asked for, and its port if it named one. */
function serverOf(host: string): Attributes {
  const [, name = host, port] = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(host) ?? [];
  if (name === '') return {};
  return { 'server.address': name, ...(port === undefined ? {} : { 'server.port': Number(port) }) };
}
