import type { ResponseEvents, ResponseHead } from './response-head.ts';

/** A server sends a status from here on in place of reading a request to its end. */
const FIRST_REFUSAL = 300;

/** What one read brought of a response, until it is handed over, and what its head said about the connection. */
export class ResponseParts implements ResponseEvents {
  head: ResponseHead | undefined;
  pieces: Uint8Array[] | undefined;
  complete = false;
  /** The head has come. */
  begun = false;
  /** The connection may carry another request. */
  keepAlive = false;
  /** The status does not say that the request was refused or goes elsewhere, so upstream may want the rest of it. */
  accepts = false;
  /** Upstream does not want the rest of the request, and closes: bytes sent to it now can cost the response. */
  refuses = false;

  /** Expects the response to another request. */
  restart(): void {
    this.begun = false;
    this.refuses = false;
  }

  /** Forgets what has been handed over. */
  clear(): void {
    this.head = undefined;
    this.pieces = undefined;
    this.complete = false;
  }

  onHead(head: ResponseHead): void {
    this.head = head;
    this.begun = true;
    this.keepAlive = head.keepAlive;
    this.accepts = head.status < FIRST_REFUSAL;
    this.refuses = !head.keepAlive && !this.accepts;
  }

  onBody(chunk: Uint8Array): void {
    if (this.pieces === undefined) this.pieces = [chunk];
    else this.pieces.push(chunk);
  }

  onComplete(): void {
    this.complete = true;
  }
}
