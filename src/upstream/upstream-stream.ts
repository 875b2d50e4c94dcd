import type { RequestLines } from '../http/message.ts';
import type { ResponseSink } from './response-sink.ts';
import type { ServerState } from './server-state.ts';

/** One exchange's side of an upstream server: sends the request and hands the response to a sink. */
export interface UpstreamStream {
  /** The server that it leads to. */
  readonly server: ServerState;
  /**
   * Its connection is being made, so upstream can have seen nothing. The sink gets `onConnected` when the body may
   * follow.
   */
  readonly connecting: boolean;
  /**
   * The response is complete, and upstream still reads the request. The connection ends unless `continueUpload` is called
   * within the same `onResponse`.
   */
  readonly outlasted: boolean;
  /** The caller frames the body as HTTP/1.1 has it; otherwise `upload` gets only the bytes of the body. */
  readonly framesBody: boolean;
  /** The stream itself ends a request whose client is silent for too long, so that its body needs no pace. */
  readonly pacesBody: boolean;
  /** The socket still needs the memory of bytes from `upload`. */
  readonly keepsUpload: boolean;
  /** Sends a request head; the body, if `hasBody`, follows by `upload`. */
  send(method: string, head: RequestLines, hasBody: boolean, sink: ResponseSink): void;
  /** Sends body bytes. Returns false when the next ones must wait for `onUploadDrained`. */
  upload(bytes: Uint8Array | string): boolean;
  /** Sends as many of these bytes as the kernel takes at once. Returns their number; the rest is for `upload`. */
  uploadNow(bytes: Uint8Array): number;
  /** The request body is complete. @param trailers lines to follow it, each with its CRLF, unless it is framed. */
  endUpload(trailers: string): void;
  /** Goes on with the request body after the response is complete. `sink` gets the outcome. */
  continueUpload(sink: ResponseSink): void;
  /** Stops reading the response until `resume`; upstream's silence is then not a fault. */
  pause(): void;
  resume(): void;
  /** The sink does not need the response any more. */
  abandon(sink: ResponseSink): void;
}
