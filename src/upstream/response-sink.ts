import type { ResponseHead } from '../http/message.ts';
import type { AttemptFailure } from './retry.ts';

/** Receives what comes of a request that a connection carries. */
export interface ResponseSink {
  /** Part of a response: `head` when it arrived now, views of body bytes that die with the call. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void;
  /** No response will come, or not all of it. */
  onFailure(failure: AttemptFailure): void;
  /** The socket takes body bytes again. */
  onUploadDrained(): void;
  /** Only for a sink that took an answered request's body over: all of it is sent. */
  onUploadOver?(): void;
}
