import type { Framing } from '../../http/h1/framing.ts';

/** The head of one final response, ready to be written to the client. */
export interface ResponseHead {
  /** 200 to 999: what is above 599 is for the client to take as 5xx (RFC 9110 §15). */
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
  /** Content-Length in bytes, -1 when absent; kept for HEAD and 304, where no body follows, and never for 204. */
  readonly contentLength: number;
  /** The connection may carry another request once this message has ended. */
  readonly keepAlive: boolean;
  /** Seconds that upstream keeps the connection without a request; Infinity: it does not say. */
  readonly keepSeconds: number;
  /** Requests that upstream takes on the connection behind this one; Infinity: it does not say. */
  readonly keepRequests: number;
}

/** Where the parser delivers a response, in the order head, body, end. */
export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  /** A view into the pushed buffer, not empty; valid until the caller of `push` uses that buffer again. */
  onBody(chunk: Uint8Array): void;
  onComplete(): void;
}
