import type { ResponseHead as ForwardedHead, Trailers } from '../../http/message.ts';

/** The head of one final response, with the facts about its connection. */
export interface ResponseHead extends ForwardedHead {
  /** The connection may carry another request once this message has ended. */
  readonly keepAlive: boolean;
  /** Seconds that upstream keeps the connection without a request; Infinity when it names none. */
  readonly keepSeconds: number;
  /** Requests that upstream takes on the connection after this one; Infinity when it names none. */
  readonly keepRequests: number;
  /** With 101: the protocol that follows, if Connection lists Upgrade. */
  readonly upgrade?: string | undefined;
}

/** Receives one response from the parser: the head, pieces of the body, the end. */
export interface ResponseEvents {
  /** An interim response, in one piece. Several may come before the head. */
  onInterim?(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** A view into the pushed buffer, not empty; valid until the caller of `push` uses that buffer again. */
  onBody(chunk: Uint8Array): void;
  /** Comes before `onComplete` when fields follow the body. */
  onTrailers?(trailers: Trailers): void;
  onComplete(): void;
}
