import { isEventStream } from '../../http/event-stream.ts';
import type { ResponseHead, Trailers } from '../../http/message.ts';
import type { ConnectionTimes } from '../ticks.ts';
import { isUnavailable } from '../unavailable.ts';
import type { H2Fault, HeadRoom, ResponseReader } from './response-reader.ts';

/** The lowest status that a server may send instead of reading the whole request. */
const FIRST_REFUSAL = 300;

/** The response on one stream: the parts that have arrived, until they are handed over, and what it must still hold. */
export class H2Response {
  interims: ResponseHead[] | undefined;
  head: ResponseHead | undefined;
  pieces: Uint8Array[] | undefined;
  trailers: Trailers | undefined;
  /** A part of the response has arrived, even of an interim one. */
  started = false;
  /** The head of the final response has arrived. */
  begun = false;
  /** The status neither refuses nor redirects the request, so upstream may still read the rest of it. */
  accepts = false;
  /** The status says that the server is unavailable. */
  unavailable = false;
  /** Why a part was refused. */
  fault: H2Fault = 'protocol_error';
  readonly #reader: ResponseReader;
  readonly #room: HeadRoom;
  /** Bytes that the body must have; -1 for any number. */
  #length = -1;
  #isStream = false;
  #received = 0;

  /** @param headLimit bytes of all heads and trailers. */
  constructor(reader: ResponseReader, headLimit: number) {
    this.#reader = reader;
    this.#room = { left: headLimit };
  }

  /** The body has fewer bytes than the head says. */
  get isShort(): boolean {
    return !this.begun || this.#received < this.#length;
  }

  /** Ticks after which silence is a failure. */
  silence({ response, stream, idle }: ConnectionTimes): number {
    if (!this.begun) return response;
    return this.#isStream ? stream : idle;
  }

  /** Forgets the parts that have been handed over, but for trailers. */
  clear(): void {
    this.interims = undefined;
    this.head = undefined;
    this.pieces = undefined;
  }

  /** Takes an interim response. @param raw see `ResponseReader`. @returns false for a refusal, as the next three. */
  takeInterim(raw: readonly string[], method: string): boolean {
    const interim = this.#reader.read(raw, method, false, this.#room);
    if (interim === undefined) return this.#refuse(this.#reader.fault);
    this.started = true;
    if (this.interims === undefined) this.interims = [interim];
    else this.interims.push(interim);
    return true;
  }

  takeHead(raw: readonly string[], method: string, ends: boolean): boolean {
    if (this.begun) return this.#refuse('late_head');
    const head = this.#reader.read(raw, method, ends, this.#room);
    if (head === undefined) return this.#refuse(this.#reader.fault);
    this.started = true;
    this.begun = true;
    this.head = head;
    this.accepts = head.status < FIRST_REFUSAL;
    this.unavailable = isUnavailable(head.status);
    this.#isStream = !ends && isEventStream(head);
    this.#length = head.framing === 'none' ? 0 : head.contentLength;
    return true;
  }

  takeTrailers(raw: readonly string[]): boolean {
    this.trailers = this.#reader.readTrailers(raw, this.#room);
    return this.trailers !== undefined || this.#refuse(this.#reader.fault);
  }

  takeBody(chunk: Uint8Array): boolean {
    this.#received += chunk.length;
    if (!this.begun || (this.#length >= 0 && this.#received > this.#length))
      return this.#refuse('body_length');
    if (this.pieces === undefined) this.pieces = [chunk];
    else this.pieces.push(chunk);
    return true;
  }

  #refuse(fault: H2Fault): false {
    this.fault = fault;
    return false;
  }
}
