import type { ClientStream } from '../front/front.ts';
import { BodyRate } from '../limits/body-rate.ts';
import type { Reason } from '../reasons.ts';
import { Upload, type UploadOwner, type UploadResources } from '../upstream/upload.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';

/**
 * Bytes of a large body, at least: the gateway asks the other processes for room before it reads on. A smaller body fits
 * the first share of each process.
 */
const LARGE_BYTES = 1024 * 1024;
/** Bytes of a piece that only a fast sender produces; its body may have any length. */
const LARGE_PIECE_BYTES = 64 * 1024;
/** Milliseconds in which upstream may decide whether the client may send: what clients themselves wait (RFC 9110 §10.1.1). */
const CONTINUE_MS = 1_000;
/** Bytes; more than any limit. */
const ANY_LENGTH = 2 ** 40;

/** The limits of every request body, and the resources that all bodies share. */
export interface BodyRules extends UploadResources {
  /** Bytes; Infinity for no limit. */
  readonly requestBodyLimit: number;
  /** Bytes per second that a request body must keep; 0 for any. */
  readonly bodyMinRate: number;
}

/** The body of one request on its way from the client to upstream, within its limits. */
export class RequestBody implements UploadOwner {
  /** Bytes that have arrived, without chunk framing. */
  bytes = 0;
  readonly #rules: BodyRules;
  readonly #client: ClientStream;
  readonly #startedAt: number;
  readonly upload: Upload;
  #rate: BodyRate | undefined;
  #dropped = false;
  /** The other processes were asked for room. */
  #prepared = false;
  #preparing = false;
  /** Upstream decides whether the client may send. */
  #awaitsContinue = false;
  /** Monotonic milliseconds of the first review since upstream has the head; -1 before. */
  #askedAt = -1;

  /** @param startedAt monotonic milliseconds. */
  constructor(chunked: boolean, rules: BodyRules, client: ClientStream, startedAt: number) {
    this.#rules = rules;
    this.#client = client;
    this.#startedAt = startedAt;
    this.upload = new Upload(chunked, rules, this);
  }

  /** The client has not sent the whole body, and the exchange needs the rest. */
  get awaited(): boolean {
    return !this.#dropped && !this.upload.whole;
  }

  /** Upstream has not said whether the client may send. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** Lets upstream decide whether the client may send. Called before the body is attached. */
  awaitContinue(): void {
    this.#awaitsContinue = true;
  }

  /** Upstream wants the body. */
  onContinue(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    if (!this.#dropped) this.#goOn();
  }

  /** Bytes that wait for upstream. */
  get held(): number {
    return this.upload.held;
  }

  /** Announces a body of `length` bytes. Called once at most, before the first byte. */
  expect(length: number): void {
    if (length >= LARGE_BYTES) this.#prepare(length);
  }

  /**
   * Takes a view of the next bytes. Pauses the client when upstream is slower.
   * @returns the reason to end the exchange; undefined to go on.
   */
  take(chunk: Uint8Array, last: boolean): Reason | undefined {
    const upload = this.upload;
    const client = this.#client;
    if (this.#dropped) return undefined;
    this.#awaitsContinue = false;
    this.bytes += chunk.length;
    if (this.bytes > this.#rules.requestBodyLimit) return 'request_body_too_large';
    if (!upload.push(chunk, last)) return 'upstream_overloaded';
    if (upload.full) client.pauseBody();
    if (chunk.length >= LARGE_PIECE_BYTES && !this.#prepared) this.#prepare(ANY_LENGTH);
    return undefined;
  }

  /** Pauses the body until the other processes have responded. */
  #prepare(length: number): void {
    this.#prepared = true;
    if (this.#rules.budget.prepare(length, () => this.#onPrepared())) return;
    this.#preparing = true;
    this.#client.pauseBody();
  }

  #onPrepared(): void {
    this.#preparing = false;
    if (!this.#dropped) this.#goOn();
  }

  attach(stream: UpstreamStream): void {
    this.upload.attach(stream);
    this.#goOn();
  }

  /** The attempt has failed before its stream got a byte: the bytes wait for another one. */
  detach(): void {
    this.upload.detach();
  }

  /** The stream takes bytes again. */
  onDrained(): void {
    if (this.#dropped) return;
    this.upload.resume();
    this.#goOn();
  }

  onUploadFlowing(): void {
    this.#goOn();
  }

  /** Reads no more of the body. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.upload.drop();
  }

  /**
   * Whether the body arrives too slowly. Called several times a second.
   * @param now monotonic milliseconds.
   */
  isSlow(now: number): boolean {
    if (this.#awaitsContinue) this.#reviewContinue(now);
    const client = this.#client;
    const rules = this.#rules;
    if (!this.awaited || rules.bodyMinRate === 0) return false;
    this.#rate ??= new BodyRate(rules.bodyMinRate, this.#startedAt);
    return !this.#rate.keeps(now, this.bytes, client.takePaused());
  }

  /** A server that does not know the expectation says nothing: the client is told to send all the same. */
  #reviewContinue(now: number): void {
    if (!this.upload.attached) return;
    if (this.#askedAt < 0) this.#askedAt = now;
    else if (now - this.#askedAt >= CONTINUE_MS) this.onContinue();
  }

  #goOn(): void {
    if (this.#awaitsContinue) return;
    if (this.upload.flowing && !this.#preparing) this.#client.resumeBody();
  }
}
