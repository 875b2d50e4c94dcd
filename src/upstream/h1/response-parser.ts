import { BodyDecoder, type BodyFault, responseChunks } from '../../http/h1/body-decoder.ts';
import { notInTrailers, trailersIn } from '../../http/h1/trailers.ts';
import type { Trailers } from '../../http/message.ts';
import type { ResponseEvents, ResponseHead } from './response-head.ts';
import type { HeadFault, ResponseHeadReader } from './response-head-reader.ts';
import { SpareHeadReader } from './spare-head-reader.ts';

/** Bytes of the first buffer for a split head; the buffer grows up to the head limit. */
const FIRST_COLLECT = 4096;

/** Why the parser refused a response; one of a fixed set, for logs. */
export type ResponseFault = HeadFault | BodyFault | 'head_too_large' | 'interrupted';

export interface ResponseLimits {
  /** Bytes of all heads up to the final one, with status lines and empty lines, and of the trailers. */
  readonly head: number;
}

const IDLE = 0;
const HEAD = 1;
const BODY = 2;
const DELIVERING = 3;
const FAULTY = 4;

/**
 * Parses the responses on one upstream connection. It follows RFC 9112 strictly and refuses bytes that two parsers could
 * read in two ways. Interim responses may take as many bytes as the head limit allows. One instance serves all messages of
 * its connection.
 *
 * The events may read the parser; only `onComplete`, which comes last, may `start` it. An event that throws ends the
 * message: the caller of `push` gets the error, and the parser accepts nothing until the next `start`.
 */
export class ResponseParser {
  readonly #events: ResponseEvents;
  readonly #headLimit: number;
  readonly #spare: SpareHeadReader;
  /** The reader of a head that has arrived in part; undefined while the spare reader serves. */
  #head: ResponseHeadReader | undefined = undefined;
  #method = '';
  #mayUpgrade = false;
  readonly #body = new BodyDecoder(responseChunks);
  #phase = IDLE;
  #fault: ResponseFault | undefined = undefined;
  #started = false;
  /** An interim response has preceded the final one. */
  #interim = false;
  /** Bytes that head and trailers of this message may still have. */
  #headRoom = 0;
  /** The bytes of a head that arrived in several pieces; undefined while the pushed buffer holds all of it. */
  #collected: Buffer | undefined = undefined;
  #collectedEnd = 0;
  #untilClose = false;
  /** The end of a body that arrived whole with its head; 0 for any other body. */
  #wholeEnd = 0;

  /** @param spare shared by parsers that take turns, such as those of one pool's connections. */
  constructor(events: ResponseEvents, limits: ResponseLimits, spare = new SpareHeadReader()) {
    this.#events = events;
    this.#headLimit = limits.head;
    this.#spare = spare;
  }

  /** A byte of a response, interim or final, has arrived since `start`. */
  get started(): boolean {
    return this.#started;
  }

  get fault(): ResponseFault | undefined {
    return this.#fault;
  }

  /** Expects the response to a request with this method. @param mayUpgrade 101 ends it, and what follows is no HTTP. */
  start(method: string, mayUpgrade = false): void {
    this.#mayUpgrade = mayUpgrade;
    this.#phase = HEAD;
    this.#fault = undefined;
    this.#started = false;
    this.#interim = false;
    this.#headRoom = this.#headLimit;
    this.#collected = undefined;
    this.#head = undefined;
    this.#method = method;
  }

  /**
   * Takes bytes [0, length) of the buffer. Outside of a message it takes none.
   * @returns the number of bytes that belong to the message, less than `length` when it ends earlier; -1 for a refusal,
   *   with the reason in `fault`.
   */
  push(buffer: Buffer, length: number): number {
    const phase = this.#phase;
    if (phase === IDLE || length === 0) return 0;
    if (phase === FAULTY) return -1;
    // An event threw, or calls `push` itself, so the position in the message is unknown.
    if (phase === DELIVERING) return this.#refuse('interrupted');
    this.#started = true;
    let at = 0;
    if (phase === HEAD) {
      at = this.#readHead(buffer, length);
      if (at < 0 || this.#phase !== BODY) return at;
      if (this.#wholeEnd > 0) return this.#takeWhole(buffer, at, this.#wholeEnd);
    }
    return this.#readBody(buffer, at, length);
  }

  /** The connection has ended. Returns true, after `onComplete`, if that completes the message; false if it cuts it short. */
  finish(): boolean {
    if (this.#phase !== BODY || !this.#untilClose) return false;
    this.#complete();
    return true;
  }

  #readHead(buffer: Buffer, length: number): number {
    const reader = this.#head ?? this.#spare.lend();
    if (this.#head === undefined) {
      const { memo } = this.#spare;
      const known = memo.recall(this.#method, buffer, Math.min(length, this.#headRoom));
      if (known !== undefined) {
        this.#headRoom -= memo.length;
        return this.#begin(known, memo.length, length);
      }
      reader.reset(this.#method, this.#mayUpgrade);
    }
    let at = 0;
    for (;;) {
      const to = Math.min(length, at + this.#headRoom);
      const collected = this.#collected;
      let used: number;
      let head: ResponseHead | undefined;
      if (collected === undefined) {
        used = reader.read(buffer, at, to) - at;
        if (reader.step === 'end') head = reader.head(buffer, at + used);
      } else {
        const from = this.#collectedEnd;
        const whole = this.#collect(collected, buffer, at, to);
        used = reader.read(whole, from, this.#collectedEnd) - from;
        if (reader.step === 'end') head = reader.head(whole, from + used);
      }
      at += used;
      this.#headRoom -= used;
      if (reader.step === 'fault') return this.#refuse(reader.fault as HeadFault);
      if (reader.step === 'more') {
        if (this.#headRoom === 0) return this.#refuse('head_too_large');
        if (this.#head === undefined) {
          this.#head = reader;
          this.#spare.giveAway();
        }
        if (collected === undefined) {
          const start = reader.start;
          reader.rebase();
          this.#collectedEnd = 0;
          this.#collect(Buffer.allocUnsafe(Math.min(FIRST_COLLECT, this.#headLimit)), buffer, start, at);
        }
        return at;
      }
      // Frees the collected bytes at once: most heads arrive whole, and a connection may be idle for long.
      this.#collected = undefined;
      if (head !== undefined && (head.status >= 200 || head.status === 101)) {
        this.#head = undefined;
        const alone = collected === undefined && !this.#interim && head.status >= 200;
        if (alone) this.#spare.memo.remember(this.#method, buffer, at, head);
        return this.#begin(head, at, length);
      }
      this.#interim = true;
      if (head !== undefined) this.#events.onInterim?.(head);
      reader.next(at);
    }
  }

  /** Delivers a head that ends at `at`, and prepares for its body. */
  #begin(head: ResponseHead, at: number, length: number): number {
    this.#untilClose = head.framing === 'close';
    const end = at + head.contentLength;
    this.#wholeEnd = head.framing === 'length' && at < end && end <= length ? end : 0;
    if (this.#wholeEnd === 0) this.#body.start(head.framing, head.contentLength, this.#headRoom);
    this.#phase = DELIVERING;
    this.#events.onHead(head);
    return this.#resume() ? at : -1;
  }

  /** Delivers a body that arrived with its head, as most small bodies do. */
  #takeWhole(buffer: Buffer, from: number, end: number): number {
    this.#phase = DELIVERING;
    this.#events.onBody(buffer.subarray(from, end));
    if (!this.#resume()) return -1;
    this.#complete();
    return end;
  }

  /** Appends [from, to) of the buffer to the collected bytes, which never exceed the head limit. */
  #collect(collected: Buffer, buffer: Buffer, from: number, to: number): Buffer {
    const end = this.#collectedEnd + to - from;
    let target = collected;
    if (end > collected.length) {
      target = Buffer.allocUnsafe(Math.min(this.#headLimit, Math.max(end, collected.length * 2)));
      collected.copy(target, 0, 0, this.#collectedEnd);
    }
    buffer.copy(target, this.#collectedEnd, from, to);
    this.#collected = target;
    this.#collectedEnd = end;
    return target;
  }

  #readBody(buffer: Buffer, from: number, length: number): number {
    const body = this.#body;
    let at = from;
    for (;;) {
      at = body.decode(buffer, at, length);
      switch (body.step) {
        case 'data':
          this.#phase = DELIVERING;
          this.#events.onBody(buffer.subarray(body.dataStart, body.dataEnd));
          if (!this.#resume()) return -1;
          break;
        case 'more':
          return at;
        case 'end':
          if (body.trailerLines !== '') this.#events.onTrailers?.(allowedIn(body.trailerLines));
          this.#complete();
          return at;
        default:
          return this.#refuse(body.fault as BodyFault);
      }
    }
  }

  /** Continues after an event; false when the event itself pushed bytes. */
  #resume(): boolean {
    if (this.#phase !== DELIVERING) return false;
    this.#phase = BODY;
    return true;
  }

  /** The event comes last, because it may start the next message. */
  #complete(): void {
    this.#phase = IDLE;
    this.#events.onComplete();
  }

  #refuse(fault: ResponseFault): number {
    this.#fault = fault;
    this.#phase = FAULTY;
    this.#head = undefined;
    this.#collected = undefined;
    return -1;
  }
}

/** The trailers of a response, without fields that would change what the head says. */
function allowedIn(lines: string): Trailers {
  const { names, values } = trailersIn(lines);
  const isKept = (_: string, at: number): boolean => !notInTrailers.has(names[at] as string);
  return { names: names.filter(isKept), values: values.filter(isKept) };
}
