/** How the end of a response body is found (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** The head of one final response, ready to be written to the client. */
export interface ResponseHead {
  /** 200 to 599. */
  readonly status: number;
  /**
   * Status code, a space and the reason phrase, which may be empty, and `\r\nName: value` for each header the client
   * gets, so that all of them are written by one call. Left out are the headers of this hop (RFC 9110 §7.6.1, with
   * those that Connection names), the framing headers, and Date, which the listener sets. A CR or LF stands nowhere in
   * it but between two lines.
   */
  readonly lines: string;
  /** `lines` holds characters of 0x80 and above, one per byte. */
  readonly eightBit: boolean;
  readonly framing: Framing;
  /** Content-Length in bytes, -1 when absent; kept for HEAD and 304, where no body follows. */
  readonly contentLength: number;
  /** The connection may carry another request once this message has ended. */
  readonly keepAlive: boolean;
}

/** Where the parser delivers a response, in the order head, body, end. */
export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  /** A view into the pushed buffer, not empty; valid until the caller of `push` uses that buffer again. */
  onBody(chunk: Uint8Array): void;
  onComplete(): void;
}

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

export type FramingFault = 'framing_conflict' | 'transfer_encoding' | 'upgrade' | 'tunnel';

/** Why these fields cannot frame a message; undefined when they can. */
export function framingFault(fields: FramingFields): FramingFault | undefined {
  const { status, chunked, contentLength } = fields;
  // Two lengths for one message are what response smuggling is made of (RFC 9112 §6.3 rule 3), also where neither
  // of them would be used.
  if (chunked && contentLength >= 0) return 'framing_conflict';
  // RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
  if (chunked && !fields.current) return 'transfer_encoding';
  // No upgrade is ever asked for, and what would follow is not HTTP.
  if (status === 101) return 'upgrade';
  // RFC 9112 §6.3 rule 2: a tunnel begins behind this head.
  if (status >= 200 && status < 300 && fields.method === 'CONNECT') return 'tunnel';
  // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both headers on 1xx and 204. If the body announced by an interim response
  // came, it would be read as the final response, so that is refused; a length of 0 announces none.
  if (status < 200 && (chunked || contentLength > 0)) return 'framing_conflict';
  // On 204 a length of 0 is common and harmless, and any other contradicts the status. Chunked is let through because
  // servers that chunk everything send it with an empty body; `mayReuse` keeps that from doing harm.
  if (status === 204 && contentLength > 0) return 'framing_conflict';
  return undefined;
}

/** RFC 9112 §6.3. */
export function framingOf(fields: FramingFields): Framing {
  // HEAD and 304 may announce the body that a GET would have had (RFC 9110 §8.6, RFC 9112 §6.1).
  if (fields.method === 'HEAD' || fields.status === 204 || fields.status === 304) return 'none';
  if (fields.chunked) return 'chunked';
  return fields.contentLength >= 0 ? 'length' : 'close';
}

/** RFC 9112 §9.3: `close` wins over `keep-alive`, and an HTTP/1.0 server has to offer the latter. */
export function mayReuse(
  fields: FramingFields,
  framing: Framing,
  options: { readonly close: boolean; readonly keepAlive: boolean },
): boolean {
  if (framing === 'close' || options.close) return false;
  // The empty chunked body that may follow a 204 must not be taken for the beginning of the next response.
  if (fields.status === 204 && fields.chunked) return false;
  return fields.current || options.keepAlive;
}
