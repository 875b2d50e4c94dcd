import type { RequestBody } from './request-body.ts';
import type { Connection } from './upstream/connection.ts';
import type { ResponseSink } from './upstream/response-sink.ts';

/**
 * Milliseconds without a byte from the client, or taken by upstream, after which it is believed that no more comes:
 * the engine, which does not tell of a client that leaves behind its answer, cuts a stalled upload after as long.
 */
const QUIET_MS = 12_000;

/**
 * What is left of a request whose answer is complete while upstream still reads: it goes on its way, although its
 * exchange has ended. What upstream cannot take is held as behind any answer that has begun, and beyond that the
 * upload ends, because the client cannot be asked to pause any more.
 */
export class UploadRest implements ResponseSink {
  private readonly body: RequestBody;
  private readonly connection: Connection;
  private readonly timer: NodeJS.Timeout;
  private over = false;

  /** Takes the place of the exchange on a connection that is outlasted by its request. */
  constructor(body: RequestBody, connection: Connection) {
    this.body = body;
    this.connection = connection;
    this.timer = setTimeout(() => this.stop(), QUIET_MS).unref();
    connection.goOn(this);
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
    this.connection.leave(this);
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
    this.body.drop();
  }
}
