import type { Framing } from '../message.ts';

/** The facts of a response head that decide where its message ends. */
export interface FramingFields {
  /** Method of the request. */
  readonly method: string;
  readonly status: number;
  /** The message is HTTP/1.1, not 1.0. */
  readonly current: boolean;
  /** The head has Transfer-Encoding: chunked. */
  readonly chunked: boolean;
  /** Content-Length, -1 when absent. */
  readonly contentLength: number;
  /** The request asked for another protocol. */
  readonly mayUpgrade: boolean;
}

export type FramingFault =
  | 'length_and_chunked'
  | 'chunked_in_http_1_0'
  | 'interim_body'
  | 'upgrade'
  | 'tunnel';

/**
 * Seconds before the end of upstream's keep-alive time in which a connection is not reused: a request may take that
 * long to reach upstream.
 */
export const KEEP_MARGIN_SECONDS = 1;

/** Why these fields cannot frame a message; undefined when they can. */
export function framingFault(fields: FramingFields): FramingFault | undefined {
  const { status, chunked, contentLength } = fields;
  // Response smuggling needs two lengths for one message (RFC 9112 §6.3 rule 3). Refused also where neither is used.
  if (chunked && contentLength >= 0) return 'length_and_chunked';
  // RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
  if (chunked && !fields.current) return 'chunked_in_http_1_0';
  // Without being asked for, the bytes after it would be of an unknown protocol.
  if (status === 101 && !fields.mayUpgrade) return 'upgrade';
  // RFC 9112 §6.3 rule 2: a tunnel begins after this head.
  if (status >= 200 && status < 300 && fields.method === 'CONNECT') return 'tunnel';
  // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both fields on 1xx and 204. A body after an interim response would be read as
  // the final response, so an interim response that announces one is refused; a length of 0 announces none. On 204 the
  // fields are dropped: the status says that there is no body, and `mayReuse` keeps a body sent anyway from doing harm.
  if (status < 200 && (chunked || contentLength > 0)) return 'interim_body';
  return undefined;
}

/** The framing of a response whose fields have no fault (RFC 9112 §6.3). */
export function framingOf(fields: FramingFields): Framing {
  // Responses to HEAD, and 304, may announce the body that GET would have (RFC 9110 §8.6, RFC 9112 §6.1).
  if (fields.method === 'HEAD' || fields.status === 204 || fields.status === 304) return 'none';
  // What follows it is no body (RFC 9110 §15.2.2).
  if (fields.status === 101) return 'none';
  if (fields.chunked) return 'chunked';
  return fields.contentLength >= 0 ? 'length' : 'close';
}

/**
 * Whether the connection may carry another request. `close` wins over `keep-alive`, and an HTTP/1.0 server must offer
 * the latter (RFC 9112 §9.3). A keep-alive time within the margin, or no further request, means `close` too.
 */
export function mayReuse(
  fields: FramingFields,
  framing: Framing,
  options: { readonly close: boolean; readonly keepAlive: boolean },
  hint: { readonly seconds: number; readonly requests: number },
): boolean {
  if (framing === 'close' || options.close) return false;
  if (hint.seconds <= KEEP_MARGIN_SECONDS || hint.requests === 0) return false;
  // A body sent with a 204 must not be read as the start of the next response.
  if (fields.status === 204 && (fields.chunked || fields.contentLength > 0)) return false;
  return fields.current || options.keepAlive;
}
