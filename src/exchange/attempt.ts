import type { RequestLines, ResponseHead, Trailers } from '../http/message.ts';
import type { Reason } from '../reasons.ts';
import { isRepeatable, mayShareConnection } from '../upstream/repeatable.ts';
import type { ResponseSink } from '../upstream/response-sink.ts';
import { type AttemptFailure, mayRetry } from '../upstream/retry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { Place, Waiter } from '../upstream/waiting-line.ts';

/** The exchange, as its attempt sees it. */
export interface AttemptOwner {
  /** The request's head is on its way; its body may follow. */
  onSent(stream: UpstreamStream): void;
  /** There is no connection for the request. */
  onNoConnection(reason: Reason): void;
  /** The stream takes body bytes again. */
  onUploadDrained(): void;
  /** See `ResponseSink`. */
  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void;
  /** See `ResponseSink`. */
  onInterim(head: ResponseHead): void;
  /** See `ResponseSink`. */
  onTrailers(trailers: Trailers): void;
  /** The response will not arrive, or not all of it. @param again another attempt may follow. */
  onFailure(reason: Reason, again: boolean): void;
}

/** One try at an upstream: waits for a connection, sends the request's head, and carries the response to the exchange. */
export class Attempt implements Waiter, ResponseSink {
  /** Its place in the line for a connection; the upstream sets it. */
  place: Place<Waiter> | undefined;
  readonly #owner: AttemptOwner;
  readonly #upstream: Upstream;
  readonly #method: string;
  readonly #wire: RequestLines;
  readonly #hasBody: boolean;
  readonly #second: boolean;
  readonly key: number;
  #stream: UpstreamStream | undefined;

  /** @param second the first attempt has failed. @param key see `Balancer`. */
  constructor(
    owner: AttemptOwner,
    upstream: Upstream,
    method: string,
    wire: RequestLines,
    hasBody: boolean,
    second: boolean,
    key: number,
  ) {
    this.#owner = owner;
    this.#upstream = upstream;
    this.#method = method;
    this.#wire = wire;
    this.#hasBody = hasBody;
    this.#second = second;
    this.key = key;
  }

  /** A second attempt shares no connection: its failure would be final. */
  get shareable(): boolean {
    return (
      !this.#second &&
      !this.alone &&
      mayShareConnection(this.#method) &&
      isRepeatable(this.#method, this.#hasBody)
    );
  }

  /**
   * The request authenticates its connection. The front does not say on which client connection a request arrived, so no
   * other request may follow this request upstream.
   */
  get alone(): boolean {
    return this.#wire.connectionAuth === true;
  }

  /** The first attempt fails only on a connection that the server had kept, which says nothing of the server. */
  get avoid(): undefined {
    return undefined;
  }

  /** Sends the request, or waits for a connection. A second attempt takes no idle connection. */
  start(): void {
    const stream = this.#upstream.checkOut(this, this.#second);
    if (typeof stream === 'string') this.#owner.onNoConnection(stream);
    else if (stream !== undefined) this.onConnection(stream);
  }

  onConnection(stream: UpstreamStream): void {
    this.#stream = stream;
    stream.send(this.#method, this.#wire, this.#hasBody, this);
    this.#owner.onSent(stream);
  }

  onNoConnection(reason: Reason): void {
    this.#owner.onNoConnection(reason);
  }

  onUploadDrained(): void {
    this.#owner.onUploadDrained();
  }

  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void {
    this.#owner.onResponse(head, pieces, complete);
  }

  onInterim(head: ResponseHead): void {
    this.#owner.onInterim(head);
  }

  onTrailers(trailers: Trailers): void {
    this.#owner.onTrailers(trailers);
  }

  onFailure(failure: AttemptFailure): void {
    this.#stream = undefined;
    this.#upstream.failures.of(failure.reason).value += 1;
    this.#owner.onFailure(failure.reason, mayRetry(failure, this.#second));
  }

  /** The stream itself ends a request whose client is silent for too long. */
  get pacesBody(): boolean {
    return this.#stream?.pacesBody === true;
  }

  /** Stops reading the response until `resume`. */
  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /** The response is complete. Returns the stream if upstream still reads the request. */
  finish(): UpstreamStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    return stream?.outlasted === true ? stream : undefined;
  }

  /** The exchange does not need the attempt any more. */
  abandon(): void {
    if (this.place !== undefined) this.#upstream.cancel(this);
    this.#stream?.abandon(this);
    this.#stream = undefined;
  }
}
