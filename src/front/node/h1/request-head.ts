import type { RequestHead } from '../../../http/message.ts';
import type { Reason } from '../../../reasons.ts';

/** What a front knows of an HTTP/1.x head beyond the head that an exchange gets. */
export interface H1RequestHead extends RequestHead {
  /**
   * As in `RequestHead`, or `*`: the request is OPTIONS for the server in general (RFC 9112 §3.2.4). No route stands for
   * that, so the front answers it.
   */
  readonly path: string;
  /** The last digit of the version. */
  readonly minor: 0 | 1;
  /** The client waits for 100 before it sends the body (RFC 9110 §10.1.1). Never with HTTP/1.0. */
  readonly expectsContinue: boolean;
  /** Of a target in absolute-form (RFC 9112 §3.2.2); undefined for the other forms. */
  readonly targetScheme: 'http' | 'https' | undefined;
}

/** Why a request was refused. The connection cannot be used again: its framing is in doubt. */
export interface RequestFault {
  /** Differs from the status of the reason where an RFC names another one. */
  readonly status: 400 | 414 | 417 | 431 | 501 | 505;
  readonly reason: Reason;
}

export const malformed: RequestFault = Object.freeze({ status: 400, reason: 'request_malformed' });
/** RFC 9110 §15.6.6. */
export const wrongVersion: RequestFault = Object.freeze({ status: 505, reason: 'request_malformed' });
/** RFC 9112 §6.1: the body ends where its last coding says, but the gateway does not know the codings before it. */
export const unknownCoding: RequestFault = Object.freeze({ status: 501, reason: 'request_malformed' });
/** RFC 9110 §10.1.1. The gateway sends no Expect on, so upstream cannot meet the expectation either. */
export const unknownExpectation: RequestFault = Object.freeze({ status: 417, reason: 'request_malformed' });
export const headTooLarge: RequestFault = Object.freeze({ status: 431, reason: 'request_head_too_large' });
/** RFC 9112 §3: the target alone is longer than a head may be. */
export const targetTooLong: RequestFault = Object.freeze({ status: 414, reason: 'request_head_too_large' });

/** Bounds of every request head; a reload may change them. */
export interface HeadLimits {
  /** Bytes of a head, request line and empty line included. */
  readonly requestHead: number;
  /** Field lines of a head. */
  readonly headerFields: number;
}
