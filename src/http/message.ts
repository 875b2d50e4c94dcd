import type { Reason } from '../reasons.ts';

/** How the body of a request is framed; the bytes reach us unframed and are framed anew for upstream. */
export type BodyFraming = 'none' | 'length' | 'chunked';

/** How a recipient finds the end of a response body; `close`: it ends with the connection (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** What the characters of field values stand for. */
export interface Charset {
  /** `latin1`: each character is a byte. `utf8`: the values were decoded, and are encoded again for upstream. */
  readonly encoding: 'latin1' | 'utf8';
  /** Stands for bytes that could not be decoded and are lost; undefined where none can be. */
  readonly replacement: string | undefined;
}

/** Each character is a byte, as it came. */
export const bytesAsSent: Charset = Object.freeze({ encoding: 'latin1', replacement: undefined });

/** The head of one request as its front read it. */
export interface RequestHead {
  readonly method: string;
  /** Path as sent, neither decoded nor normalised; starts with `/`. */
  readonly path: string;
  /** What stood behind `?`; undefined when there was no `?`. */
  readonly query: string | undefined;
  /** Header names in lower case and, at the same index, their values; order and repetitions are kept. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly charset: Charset;
  readonly host: string;
  /** The first Authorization value, undefined when there is none; a flat string that is no part of a longer one. */
  readonly authorization: string | undefined;
  readonly authorizationCount: number;
  readonly framing: BodyFraming;
  /** Content-Length in bytes; 0 unless `framing` is `length`. */
  readonly contentLength: number;
  /** The client wants the connection closed after the answer (RFC 9112 §9.6). */
  readonly close: boolean;
  /** Set when the request must not be served (RFC 9112 §6, §3.2); nothing else in it is then to be trusted. */
  readonly fault: Reason | undefined;
}

/** The head of one final response, ready to be written to a client. */
export interface ResponseHead {
  /** 200 to 999: a client takes what is above 599 as 5xx (RFC 9110 §15). */
  readonly status: number;
  /**
   * Status code, a space and the reason phrase, which may be empty, then `\r\nName: value` for each field. CR and LF stand
   * only between two lines. Fields of the connection, framing fields and Date are left out: the front writes them.
   */
  readonly lines: string;
  /** `lines` hold characters of 0x80 and above, one for each byte, which must leave as they are. */
  readonly eightBit: boolean;
  readonly framing: Framing;
  /** Content-Length in bytes, -1 when absent. Set for HEAD and 304, which have no body; never set for 204. */
  readonly contentLength: number;
}

/** A response of the gateway itself, ready to be sent. */
export interface Reply {
  readonly head: ResponseHead;
  readonly body: Uint8Array;
  /** The connection ends with it, in protocols where a request can put the framing of its connection in doubt. */
  readonly close: boolean;
}
