import type { RequestLines } from '../http/message.ts';
import type { ResponseSink } from './response-sink.ts';

/** One exchange's side of an upstream server: sends its request and hands its response to a sink. */
export interface UpstreamStream {
  /** The response is complete, and upstream still reads the request: it ends unless `continueUpload` follows in the same call. */
  readonly outlasted: boolean;
  /** The socket still needs the memory of the bytes that it was given. */
  readonly keepsUpload: boolean;
  /** Sends a request head; the body, if `hasBody`, follows by `upload`. */
  send(method: string, head: RequestLines, hasBody: boolean, sink: ResponseSink): void;
  /** Sends body bytes, framed by the caller. Returns false when the next ones must wait for `onUploadDrained`. */
  upload(bytes: Uint8Array | string): boolean;
  /** Sends as many of these bytes as the kernel takes at once. Returns their number; the rest is for `upload`. */
  uploadNow(bytes: Uint8Array): number;
  /** The request body is complete. */
  endUpload(): void;
  /** Hands the body of an answered request on to `sink`, which is told how that ends. */
  continueUpload(sink: ResponseSink): void;
  /** Stops reading the response until `resume`; upstream's silence is then not a fault. */
  pause(): void;
  resume(): void;
  /** The sink wants no response any more. */
  abandon(sink: ResponseSink): void;
}
