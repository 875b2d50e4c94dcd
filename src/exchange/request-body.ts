import type { ClientStream } from '../front/front.ts';
import { BodyRate } from '../limits/body-rate.ts';
import type { Reason } from '../reasons.ts';
import { Upload, type UploadOwner, type UploadResources } from '../upstream/upload.ts';
import type { UpstreamStream } from '../upstream/upstream-stream.ts';

/**
 * Bytes from which a body is large: before it is read on, room for it is asked for from the other processes. What is
 * smaller fits the part of the limit that each begins with.
 */
const LARGE_BYTES = 1024 * 1024;
/** Bytes of a piece that tells of a fast sender whose body may have any length. */
const LARGE_PIECE_BYTES = 64 * 1024;
/** Bytes; more than the limit can be. */
const ANY_LENGTH = 2 ** 40;

/** What every request body is held to. */
export interface BodyRules extends UploadResources {
  /** Bytes; Infinity for no limit. */
  readonly requestBodyLimit: number;
  /** Bytes per second that a request body must keep; 0 for any. */
  readonly bodyMinRate: number;
}

/** The body of one request on its way from the client to upstream, and what it is held to meanwhile. */
export class RequestBody implements UploadOwner {
  /** Bytes that have come in, without chunk framing. */
  bytes = 0;
  readonly #rules: BodyRules;
  readonly #client: ClientStream;
  readonly #startedAt: number;
  readonly upload: Upload;
  #rate: BodyRate | undefined;
  #dropped = false;
  /** Room is asked for, or was. */
  #prepared = false;
  #preparing = false;

  /** @param startedAt monotonic milliseconds. */
  constructor(chunked: boolean, rules: BodyRules, client: ClientStream, startedAt: number) {
    this.#rules = rules;
    this.#client = client;
    this.#startedAt = startedAt;
    this.upload = new Upload(chunked, rules, this);
  }

  /** More of it is wanted from the client, which has not sent all of it. */
  get awaited(): boolean {
    return !this.#dropped && !this.upload.whole;
  }

  /** Bytes that are held now, which upstream has not taken. */
  get held(): number {
    return this.upload.held;
  }

  /** It will have `length` bytes. Called once at most, before the first ones. */
  expect(length: number): void {
    if (length >= LARGE_BYTES) this.#prepare(length);
  }

  /** Takes a view of the next bytes; when upstream is slower, the client is asked to pause. Returns why it must end. */
  take(chunk: Uint8Array, last: boolean): Reason | undefined {
    const upload = this.upload;
    const client = this.#client;
    if (this.#dropped) return undefined;
    this.bytes += chunk.length;
    if (this.bytes > this.#rules.requestBodyLimit) return 'request_body_too_large';
    if (!upload.push(chunk, last)) return 'upstream_overloaded';
    if (upload.full) client.pauseBody();
    if (chunk.length >= LARGE_PIECE_BYTES && !this.#prepared) this.#prepare(ANY_LENGTH);
    return undefined;
  }

  /** Reads nothing until the other processes have said what they can spare. */
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

  /** The stream takes bytes again. */
  onDrained(): void {
    if (this.#dropped) return;
    this.upload.resume();
    this.#goOn();
  }

  onUploadFlowing(): void {
    this.#goOn();
  }

  /** The rest is not read. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.upload.drop();
  }

  /**
   * Whether it comes too slowly; asked several times a second.
   * @param now monotonic milliseconds.
   */
  isSlow(now: number): boolean {
    const client = this.#client;
    const rules = this.#rules;
    if (!this.awaited || rules.bodyMinRate === 0) return false;
    this.#rate ??= new BodyRate(rules.bodyMinRate, this.#startedAt);
    return !this.#rate.keeps(now, this.bytes, client.takePaused());
  }

  #goOn(): void {
    if (this.upload.flowing && !this.#preparing) this.#client.resumeBody();
  }
}
