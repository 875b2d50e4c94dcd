/** How the end of a response body is found (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** What a head says about where its message ends. */
export interface FramingFields {
  /** Method of the request. */
  readonly method: string;
  readonly status: number;
  /** The message is HTTP/1.1, not 1.0. */
  readonly current: boolean;
  /** Transfer-Encoding: chunked was there. */
  readonly chunked: boolean;
  /** Content-Length, -1 when absent. */
  readonly contentLength: number;
}

export type FramingFault =
  | 'length_and_chunked'
  | 'chunked_in_http_1_0'
  | 'interim_body'
  | 'upgrade'
  | 'tunnel';

/**
 * Seconds before the end of the time that upstream names in which a connection is not used any more: a request may be
 * under way that long before upstream has it.
 */
export const KEEP_MARGIN_SECONDS = 1;

/** Why these fields cannot frame a message; undefined when they can. */
export function framingFault(fields: FramingFields): FramingFault | undefined {
  const { status, chunked, contentLength } = fields;
  // Two lengths for one message are what response smuggling is made of (RFC 9112 §6.3 rule 3), also where neither
  // of them would be used.
  if (chunked && contentLength >= 0) return 'length_and_chunked';
  // RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
  if (chunked && !fields.current) return 'chunked_in_http_1_0';
  // No upgrade is ever asked for, and what would follow is not HTTP.
  if (status === 101) return 'upgrade';
  // RFC 9112 §6.3 rule 2: a tunnel begins behind this head.
  if (status >= 200 && status < 300 && fields.method === 'CONNECT') return 'tunnel';
  // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both headers on 1xx and 204. If the body announced by an interim response
  // came, it would be read as the final response, so that is refused; a length of 0 announces none. On 204 they are
  // dropped: the status says that there is no body, and `mayReuse` keeps one that comes all the same from doing harm.
  if (status < 200 && (chunked || contentLength > 0)) return 'interim_body';
  return undefined;
}

/** RFC 9112 §6.3. */
export function framingOf(fields: FramingFields): Framing {
  // HEAD and 304 may announce the body that a GET would have had (RFC 9110 §8.6, RFC 9112 §6.1).
  if (fields.method === 'HEAD' || fields.status === 204 || fields.status === 304) return 'none';
  if (fields.chunked) return 'chunked';
  return fields.contentLength >= 0 ? 'length' : 'close';
}

/**
 * RFC 9112 §9.3: `close` wins over `keep-alive`, and an HTTP/1.0 server has to offer the latter. A server that keeps the
 * connection no longer than the margin, or takes no other request, has said `close` in other words.
 */
export function mayReuse(
  fields: FramingFields,
  framing: Framing,
  options: { readonly close: boolean; readonly keepAlive: boolean },
  hint: { readonly seconds: number; readonly requests: number },
): boolean {
  if (framing === 'close' || options.close) return false;
  if (hint.seconds <= KEEP_MARGIN_SECONDS || hint.requests === 0) return false;
  // A body that follows a 204 all the same must not be taken for the beginning of the next response.
  if (fields.status === 204 && (fields.chunked || fields.contentLength > 0)) return false;
  return fields.current || options.keepAlive;
}
