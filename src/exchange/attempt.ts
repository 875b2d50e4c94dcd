import type { RequestLines, ResponseHead, Trailers } from '../http/message.ts';
import type { TunnelSide } from '../http/tunnel-side.ts';
import type { Reason } from '../reasons.ts';
import { isRepeatable, mayShareConnection } from '../upstream/repeatable.ts';
import type { ResponseSink, UpgradedHead } from '../upstream/response-sink.ts';
import type { AttemptFailure, Retry } from '../upstream/retry.ts';
import type { ServerState } from '../upstream/server-state.ts';
import { isUnavailable } from '../upstream/unavailable.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { Place, Waiter } from '../upstream/waiting-line.ts';

/** The exchange, as its attempt sees it. */
export interface AttemptOwner {
  /** The request's head is on its way to a server; its body may follow. */
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
  /** See `ResponseSink`. */
  onUpgraded(head: UpgradedHead, side: TunnelSide): void;
  /** The attempt has ended, and another one follows. No byte of a response has gone to the client. */
  onRetry(retry: Retry): void;
  /** The response will not arrive, or not all of it. */
  onFailure(reason: Reason): void;
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
  readonly #retry: Retry | undefined;
  /** It holds a place in the budget for retries. */
  #isCounted = false;
  /** The client has got an interim response. */
  #interim = false;
  readonly key: number;
  /** The server that has the request, had it, or gets it once the connection is made. */
  server: ServerState | undefined;
  #stream: UpstreamStream | undefined;

  /** @param retry undefined for the first attempt. @param key see `Balancer`. */
  constructor(
    owner: AttemptOwner,
    upstream: Upstream,
    method: string,
    wire: RequestLines,
    hasBody: boolean,
    retry: Retry | undefined,
    key: number,
  ) {
    this.#owner = owner;
    this.#upstream = upstream;
    this.#method = method;
    this.#wire = wire;
    this.#hasBody = hasBody;
    this.#retry = retry;
    this.key = key;
  }

  /** A retry shares no connection: its failure may be final. */
  get shareable(): boolean {
    return (
      this.#retry === undefined &&
      !this.alone &&
      mayShareConnection(this.#method) &&
      isRepeatable(this.#method, this.#hasBody)
    );
  }

  /**
   * The request authenticates its connection, or asks for another protocol on it. The front does not say on which client
   * connection a request arrived, so no other request may follow this request upstream.
   */
  get alone(): boolean {
    return this.#wire.connectionAuth === true || this.#wire.upgrade !== undefined;
  }

  get avoid(): ServerState | undefined {
    return this.#retry?.avoid;
  }

  /** Sends the request, or waits for a connection. */
  start(): void {
    const retry = this.#retry;
    if (retry !== undefined) {
      this.#isCounted = true;
      this.#upstream.retries.begins(retry);
    }
    const stream = this.#upstream.checkOut(this, retry?.fresh === true);
    if (typeof stream === 'string') this.#owner.onNoConnection(stream);
    else if (stream !== undefined) this.onConnection(stream);
  }

  onConnection(stream: UpstreamStream): void {
    this.#stream = stream;
    this.server = stream.server;
    stream.send(this.#method, this.#wire, this.#hasBody, this);
    // A body stays here until there is a connection: if none can be made, the body goes to another server.
    if (!this.#hasBody || !stream.connecting) this.#owner.onSent(stream);
  }

  onConnected(): void {
    if (this.#hasBody && this.#stream !== undefined) this.#owner.onSent(this.#stream);
  }

  onNoConnection(reason: Reason): void {
    this.#owner.onNoConnection(reason);
  }

  onUploadDrained(): void {
    this.#owner.onUploadDrained();
  }

  onResponse(head: ResponseHead | undefined, pieces: readonly Uint8Array[], complete: boolean): void {
    if (head !== undefined && isUnavailable(head.status) && this.#startsAnew(complete)) return;
    this.#owner.onResponse(head, pieces, complete);
  }

  onInterim(head: ResponseHead): void {
    this.#interim = true;
    this.#owner.onInterim(head);
  }

  onTrailers(trailers: Trailers): void {
    this.#owner.onTrailers(trailers);
  }

  onUpgraded(head: UpgradedHead, side: TunnelSide): void {
    this.#stream = undefined;
    this.#release();
    this.#owner.onUpgraded(head, side);
  }

  onFailure(failure: AttemptFailure): void {
    const { server } = this.#stream as UpstreamStream;
    const { retries, failures } = this.#upstream;
    this.#stream = undefined;
    failures.of(failure.reason).value += 1;
    this.#release();
    const retry = retries.afterFailure(failure, server, this.#retry);
    if (retry === undefined) this.#owner.onFailure(failure.reason);
    else this.#owner.onRetry(retry);
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
    this.#release();
    return stream?.outlasted === true ? stream : undefined;
  }

  /** The exchange does not need the attempt any more. */
  abandon(): void {
    if (this.place !== undefined) this.#upstream.cancel(this);
    this.#stream?.abandon(this);
    this.#stream = undefined;
    this.#release();
  }

  /** Sends the request to another server instead of passing on a response by which its server is unavailable. */
  #startsAnew(complete: boolean): boolean {
    const stream = this.#stream;
    if (stream === undefined || this.#interim || !isRepeatable(this.#method, this.#hasBody)) return false;
    const retry = this.#upstream.retries.afterUnavailable(stream.server, this.#retry);
    if (retry === undefined) return false;
    this.#stream = undefined;
    if (!complete) stream.abandon(this);
    this.#release();
    this.#owner.onRetry(retry);
    return true;
  }

  #release(): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    this.#upstream.retries.ends(this.#retry as Retry);
  }
}
