import type { ResponseHead, Trailers } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import type { AttemptFailure } from './retry.ts';

/** The head of a 101. */
export interface UpgradedHead extends ResponseHead {
  /** The protocol that follows, if Connection lists Upgrade. */
  readonly upgrade?: string | undefined;
}

/** Receives the response to a request, or its failure. */
export interface ResponseSink {
  /** Part of a response: the `head` if it has arrived now, and views of body bytes, which are valid during the call. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void;
  /** An interim response has arrived, 100 among them, before the final one. */
  onInterim?(head: ResponseHead): void;
  /** Fields that follow the body; comes before the last `onResponse`. */
  onTrailers?(trailers: Trailers): void;
  /** The response will not arrive, or not all of it. */
  onFailure(failure: AttemptFailure): void;
  /** The connection is made: the request body may follow. Comes only after `send` while it was being made. */
  onConnected?(): void;
  /** The socket takes body bytes again. */
  onUploadDrained(): void;
  /**
   * Upstream has agreed to another protocol, and the stream is over. @param head of its 101. @param side the connection,
   * which belongs to the sink now.
   */
  onUpgraded?(head: UpgradedHead, side: TunnelSide): void;
  /** Only for a sink that `continueUpload` got: the request body is sent whole. */
  onUploadOver?(): void;
}
