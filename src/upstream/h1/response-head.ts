import type { ResponseHead as ForwardedHead } from '../../http/message.ts';

/** The head of one final response, with what it says of its connection. */
export interface ResponseHead extends ForwardedHead {
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
