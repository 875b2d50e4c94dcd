import { bytesAsSent, type RequestHead } from '../../../http/message.ts';
import type { Reason } from '../../../reasons.ts';

/** What a front knows of an HTTP/1.x head beyond the head that an exchange gets. */
export interface H1RequestHead extends RequestHead {
  /** The last digit of the version. */
  readonly minor: 0 | 1;
  /** The client waits for 100 before it sends the body (RFC 9110 §10.1.1). Never with HTTP/1.0. */
  readonly expectsContinue: boolean;
  /** The scheme of a target in absolute-form (RFC 9112 §3.2.2); undefined for the other forms. */
  readonly targetScheme: 'http' | 'https' | undefined;
}

/**
 * A head in place of one that could not be read. The connection ends with the reply to it.
 * @param method what is known of it, for the log; so are `path` and `minor`.
 */
export function faultyHead(fault: Reason, method = '', path = '', minor: 0 | 1 = 1): H1RequestHead {
  return {
    method,
    path,
    query: undefined,
    names: [],
    values: [],
    charset: bytesAsSent,
    host: '',
    authorization: undefined,
    authorizationCount: 0,
    framing: 'none',
    contentLength: 0,
    close: true,
    fault,
    minor,
    expectsContinue: false,
    targetScheme: undefined,
  };
}

/** Bounds of every request head; a reload may change them. */
export interface HeadLimits {
  /** Bytes of a head, request line and empty line included. */
  readonly requestHead: number;
  /** Field lines of a head. */
  readonly headerFields: number;
}
