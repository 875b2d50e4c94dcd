import type { Reason } from '../reasons.ts';

/** How the body of a request is framed; the bytes reach us unframed and are framed anew for upstream. */
export type BodyFraming = 'none' | 'length' | 'chunked';

/** The head of one request as the listener read it; nothing here refers to the engine's request object. */
export interface RequestHead {
  readonly method: string;
  /** Path as sent, neither decoded nor normalised; starts with `/`. */
  readonly path: string;
  /** What stood behind `?`; undefined when there was no `?`. */
  readonly query: string | undefined;
  /** Header names in lower case and, at the same index, their values; order and repetitions are kept. */
  readonly names: readonly string[];
  readonly values: readonly string[];
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
