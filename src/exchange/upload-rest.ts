import type { ClientStream } from '../front/front.ts';
import type { Clock } from '../lib/clock.ts';
import type { ResponseSink } from '../upstream/response-sink.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { RequestBody } from './request-body.ts';

/**
 * Milliseconds within which the client must send a byte, or upstream take one. As long as a client may take no byte of
 * its response.
 */
const QUIET_MS = 12_000;
/** Milliseconds between two reviews of the client stream, whose exchange may have ended. */
const REVIEW_MS = 1_000;

export interface RestOwner {
  /** The rest of the body is sent, or given up. */
  onRestOver(): void;
}

/**
 * Carries the rest of a request body that upstream still reads, although its response is complete. Goes on after the end
 * of the exchange. Holds the bytes that upstream cannot take, and pauses the client.
 */
export class UploadRest implements ResponseSink {
  readonly #body: RequestBody;
  readonly #stream: UpstreamStream;
  readonly #timer: NodeJS.Timeout;
  readonly #reviews: NodeJS.Timeout;
  readonly #owner: RestOwner;
  #over = false;

  /** Replaces the exchange on a stream whose response is complete before its request. */
  constructor(
    body: RequestBody,
    stream: UpstreamStream,
    client: ClientStream,
    clock: Clock,
    owner: RestOwner,
  ) {
    this.#body = body;
    this.#stream = stream;
    this.#owner = owner;
    this.#timer = setTimeout(() => this.stop(), QUIET_MS).unref();
    this.#reviews = setInterval(() => client.review(clock.monotonic()), REVIEW_MS).unref();
    stream.continueUpload(this);
  }

  /** Takes a view of the next bytes. */
  take(chunk: Uint8Array, last: boolean): void {
    if (this.#over) return;
    this.#timer.refresh();
    if (this.#body.take(chunk, last) !== undefined) this.stop();
  }

  /** Ends the upload and its connection: upstream has not got the whole request. */
  stop(): void {
    if (this.#over) return;
    this.#end();
    this.#stream.abandon(this);
  }

  /** No bytes may follow a complete response. */
  onResponse(): void {
    this.stop();
  }

  onFailure(): void {
    this.#end();
  }

  onUploadDrained(): void {
    this.#timer.refresh();
    this.#body.onDrained();
  }

  onUploadOver(): void {
    this.#end();
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearInterval(this.#reviews);
    this.#body.drop();
    this.#owner.onRestOver();
  }
}
