import { isEventStream } from '../../http/event-stream.ts';
import type { Trailers } from '../../http/message.ts';
import type { ConnectionTimes } from '../ticks.ts';
import { isUnavailable } from '../unavailable.ts';
import type { ResponseEvents, ResponseHead } from './response-head.ts';

/** The lowest status that a server may send instead of reading the whole request. */
const FIRST_REFUSAL = 300;

/** The parts of a response that one read brought, until they are handed over, and the head's facts about the connection. */
export class ResponseParts implements ResponseEvents {
  interims: ResponseHead[] | undefined;
  head: ResponseHead | undefined;
  trailers: Trailers | undefined;
  pieces: Uint8Array[] | undefined;
  complete = false;
  /** The head has arrived. */
  begun = false;
  /** The connection may carry another request. */
  keepAlive = false;
  /** The status neither refuses nor redirects the request, so upstream may still read the rest of it. */
  accepts = false;
  /** The status says that the server is unavailable. */
  unavailable = false;
  /** Upstream closes without reading the rest of the request: more bytes to it could destroy the response. */
  refuses = false;
  /** The last head, and whether its body is an event stream; undefined until that matters. */
  #last: ResponseHead | undefined;
  #isStream: boolean | undefined;

  /** The head is a 101: what follows is of another protocol. */
  get upgrades(): boolean {
    return this.head?.status === 101;
  }

  /** Upstream may read the rest of the request after the response. */
  get goesOn(): boolean {
    return this.keepAlive && this.accepts;
  }

  /** Ticks after which silence is a failure. */
  silence({ response, stream, idle }: ConnectionTimes): number {
    if (!this.begun) return response;
    this.#isStream ??= this.#last !== undefined && isEventStream(this.#last);
    return this.#isStream ? stream : idle;
  }

  /** Expects the response to another request. */
  restart(): void {
    this.begun = false;
    this.refuses = false;
  }

  /** Forgets the parts that have been handed over. */
  clear(): void {
    this.interims = undefined;
    this.head = undefined;
    this.trailers = undefined;
    this.pieces = undefined;
    this.complete = false;
  }

  onInterim(head: ResponseHead): void {
    if (this.interims === undefined) this.interims = [head];
    else this.interims.push(head);
  }

  onTrailers(trailers: Trailers): void {
    this.trailers = trailers;
  }

  onHead(head: ResponseHead): void {
    this.head = head;
    this.begun = true;
    this.#last = head;
    this.#isStream = undefined;
    this.keepAlive = head.keepAlive;
    this.accepts = head.status < FIRST_REFUSAL;
    this.unavailable = isUnavailable(head.status);
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
