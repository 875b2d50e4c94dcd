import type { Reason } from '../reasons.ts';
import type { ResponseHead } from './h1/response-head.ts';

/** What an exchange hears from the connection that carries it. */
export interface ResponseSink {
  /** Part of an answer: `head` when it arrived now, views of body bytes that die with the call. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void;
  /** The answer will not come, or not all of it. `retryable`: nothing of it came and upstream may be asked again. */
  onFailure(reason: Reason, retryable: boolean): void;
  /** The socket takes body bytes again. */
  onUploadDrained(): void;
  /** Only for one that took an answered request's upload over: it is through. */
  onUploadOver?(): void;
}
