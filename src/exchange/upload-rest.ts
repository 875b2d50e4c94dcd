import type { Downstream } from '../front/uws/downstream.ts';
import type { ResponseSink } from '../upstream/response-sink.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';
import type { RequestBody } from './request-body.ts';

/**
 * Milliseconds without a byte from the client, or taken by upstream, after which it is believed that no more comes:
 * the engine, which does not tell of a client that leaves behind its answer, cuts a stalled upload after as long.
 */
const QUIET_MS = 12_000;

/**
 * Bytes of a request body that may be held when the answer is complete to the engine: the client cannot be asked to
 * pause any more, and one body must not take the budget of all.
 */
const HELD_BYTES = 16 * 1024 * 1024;
/** Milliseconds between two looks at a client that is kept from sending: the engine would cut it after 8 s at least. */
const LOOK_MS = 4_000;

export interface RestOwner {
  /** Nothing more of it is carried. */
  onRestOver(): void;
}

/**
 * What is left of a request whose answer is complete while upstream still reads: it goes on its way, although its
 * exchange may have ended. What upstream cannot take is held, and the client is asked to pause where the engine can
 * still be told; behind an answer that is complete to the engine it is small.
 */
export class UploadRest implements ResponseSink {
  private readonly body: RequestBody;
  private readonly stream: UpstreamStream;
  private readonly timer: NodeJS.Timeout;
  private readonly looks: NodeJS.Timeout;
  private readonly downstream: Downstream;
  private readonly owner: RestOwner;
  private over = false;

  /** Takes the place of the exchange on a stream whose response is complete before its request. */
  constructor(body: RequestBody, stream: UpstreamStream, downstream: Downstream, owner: RestOwner) {
    this.body = body;
    this.stream = stream;
    this.downstream = downstream;
    this.owner = owner;
    this.timer = setTimeout(() => this.stop(), QUIET_MS).unref();
    this.looks = setInterval(() => {
      if (downstream.pausing) downstream.postponeTimeout();
    }, LOOK_MS).unref();
    stream.goOn(this);
  }

  /**
   * Whether more of a body of `length` bytes may come than may be held, or any that the end of the connection with the
   * answer would cut off.
   */
  outlasts(length: number, closes: boolean): boolean {
    const { body, downstream } = this;
    return downstream.receiving && (closes || length - body.bytes + body.held > HELD_BYTES);
  }

  /** Takes a view of the next bytes. */
  take(chunk: Uint8Array, last: boolean): void {
    if (this.over) return;
    this.timer.refresh();
    if (this.body.take(chunk, last) !== undefined) this.stop();
  }

  /** Ends the upload, and the connection with it, because upstream has not got all of the request. */
  stop(): void {
    if (this.over) return;
    this.end();
    this.stream.leave(this);
  }

  /** Nothing comes behind a complete answer. */
  onResponse(): void {
    this.stop();
  }

  onFailure(): void {
    this.end();
  }

  onUploadDrained(): void {
    this.timer.refresh();
    this.body.onDrained();
  }

  onUploadOver(): void {
    this.end();
  }

  private end(): void {
    this.over = true;
    clearTimeout(this.timer);
    clearInterval(this.looks);
    this.body.drop();
    this.owner.onRestOver();
  }
}
