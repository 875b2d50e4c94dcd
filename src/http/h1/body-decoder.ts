import { CR, HTAB, hexValues, isFieldByte, LF, SEMICOLON, SP } from '../ascii.ts';
import type { Framing } from '../message.ts';
import { ChunkExtension } from './chunk-extension.ts';
import { type FieldFault, FieldScanner } from './field-scanner.ts';

/** What a decoder lets pass beside the usual form of chunks (RFC 9112 §7.1). */
export interface ChunkRules {
  /** Hexadecimal digits of a chunk size. */
  readonly sizeDigits: number;
  /** Blanks after the size of one chunk. */
  readonly blanks: number;
  /** Extensions must keep to the grammar. Otherwise any text of field bytes may stand there. */
  readonly strictExtensions: boolean;
}

/**
 * Servers that reserve room for a size pad it with zeros or blanks to 8 or 16 characters; no reader of 64-bit sizes
 * overflows at 16 digits.
 */
export const responseChunks: ChunkRules = Object.freeze({
  sizeDigits: 16,
  blanks: 16,
  strictExtensions: false,
});

/**
 * A request must keep to the grammar: a client could smuggle another request in chunks that two servers read in two ways.
 * No real chunk needs more than 12 digits.
 */
export const requestChunks: ChunkRules = Object.freeze({
  sizeDigits: 12,
  blanks: 0,
  strictExtensions: true,
});

/** Ends the trailer section. */
const EMPTY_LINE = '\r\n';

/** Bytes in one chunk: above any real chunk, and far below 2^53, up to which the sum of sizes is exact. */
const MAX_CHUNK = 2 ** 48;
/** Bytes of chunk extensions in one message. The decoder discards them, so a peer could send them for ever. */
const MAX_EXTENSIONS = 16 * 1024;

export type BodyFault = FieldFault | 'chunk_size' | 'chunk_extension' | 'chunk_end' | 'trailer_too_large';

const END = 0;
const DATA = 1;
const DATA_CR = 2;
const DATA_LF = 3;
const SIZE_START = 4;
const SIZE = 5;
const SIZE_SPACE = 6;
const EXTENSION = 7;
const SIZE_LF = 8;
const TRAILER = 9;

/** Finds the body bytes of one message after another. The bytes may arrive in pieces of any size. */
export class BodyDecoder {
  /** The result of the last `decode`: a piece of `data`, the `end` of the body, `more` bytes needed, or a `fault`. */
  step: 'more' | 'data' | 'end' | 'fault' = 'more';
  fault: BodyFault | undefined = undefined;
  /** The piece is [dataStart, dataEnd) of the decoded buffer and is not empty. */
  dataStart = 0;
  dataEnd = 0;
  /** Lines of the trailer section as they came, with the empty line, at the `end`; empty when there are none. */
  trailerLines = '';
  readonly #rules: ChunkRules;
  readonly #trailers = new FieldScanner();
  readonly #extension = new ChunkExtension();
  #state = END;
  #chunked = false;
  /** Bytes left of the chunk or of the body; Infinity for a body that ends with the connection. */
  #left = 0;
  #sizeDigits = 0;
  #blanks = 0;
  #extensionBytes = 0;
  #trailerRoom = 0;

  constructor(rules: ChunkRules) {
    this.#rules = rules;
  }

  /**
   * Begins the next body.
   * @param length bytes, for framing `length`.
   * @param trailerRoom bytes that the trailer section of a chunked body may have.
   */
  start(framing: Framing, length: number, trailerRoom: number): void {
    this.fault = undefined;
    this.trailerLines = '';
    this.#chunked = framing === 'chunked';
    if (this.#chunked) {
      this.#state = SIZE_START;
      this.#extensionBytes = 0;
      this.#trailerRoom = trailerRoom;
      this.#trailers.reset();
    } else {
      this.#left = framing === 'close' ? Number.POSITIVE_INFINITY : framing === 'length' ? length : 0;
      this.#state = this.#left === 0 ? END : DATA;
    }
  }

  /** Decodes [from, to) and returns the offset after the last byte used; `step` says why it stopped. */
  decode(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const byte = bytes[at] as number;
      switch (this.#state) {
        case END:
          this.step = 'end';
          return at;
        case DATA: {
          this.dataStart = at;
          at = Math.min(to, at + this.#left);
          this.dataEnd = at;
          this.#left -= at - this.dataStart;
          if (this.#left === 0) this.#state = this.#chunked ? DATA_CR : END;
          this.step = 'data';
          return at;
        }
        case DATA_CR:
          if (byte !== CR) return this.#refuse('chunk_end', at);
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (byte !== LF) return this.#refuse('chunk_end', at);
          this.#state = SIZE_START;
          break;
        case SIZE_START: {
          const digit = hexValues[byte] as number;
          if (digit < 0) return this.#refuse('chunk_size', at);
          this.#left = digit;
          this.#sizeDigits = 1;
          this.#state = SIZE;
          break;
        }
        case SIZE: {
          const digit = hexValues[byte] as number;
          if (digit >= 0) {
            this.#left = this.#left * 16 + digit;
            this.#sizeDigits += 1;
            if (this.#sizeDigits > this.#rules.sizeDigits || this.#left > MAX_CHUNK) {
              return this.#refuse('chunk_size', at);
            }
          } else if (byte === CR) this.#state = SIZE_LF;
          else if (byte === SEMICOLON) this.#beginExtension();
          else if ((byte === SP || byte === HTAB) && this.#rules.blanks > 0) {
            this.#blanks = 1;
            this.#state = SIZE_SPACE;
          } else return this.#refuse(byte === LF ? 'bare_lf' : 'chunk_size', at);
          break;
        }
        case SIZE_SPACE:
          // RFC 9112 §7.1.1 allows white space only before an extension; old servers pad the size with it.
          if (byte === CR) this.#state = SIZE_LF;
          else if (byte === SEMICOLON) this.#beginExtension();
          else if (byte !== SP && byte !== HTAB) {
            return this.#refuse(byte === LF ? 'bare_lf' : 'chunk_size', at);
          } else {
            this.#blanks += 1;
            if (this.#blanks > this.#rules.blanks) return this.#refuse('chunk_size', at);
          }
          break;
        case EXTENSION:
          if (byte === LF) return this.#refuse('bare_lf', at);
          if (!this.#takeExtension(byte)) return this.#refuse('chunk_extension', at);
          if (byte === CR) this.#state = SIZE_LF;
          break;
        case SIZE_LF:
          if (byte !== LF) return this.#refuse('bare_cr', at);
          this.#state = this.#left === 0 ? TRAILER : DATA;
          break;
        default:
          at = this.#readTrailers(bytes, at, to);
          if (this.step === 'fault') return at;
          continue;
      }
      at += 1;
    }
    this.step = this.#state === END ? 'end' : 'more';
    return at;
  }

  #beginExtension(): void {
    this.#extension.start();
    this.#state = EXTENSION;
  }

  /** Whether this byte may stand in an extension; CR ends the extensions of a chunk. */
  #takeExtension(byte: number): boolean {
    const strict = this.#rules.strictExtensions;
    if (byte === CR) return !strict || this.#extension.isWhole;
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSIONS) return false;
    return strict ? this.#extension.take(byte) : isFieldByte(byte);
  }

  /** Checks trailers like header fields. */
  #readTrailers(bytes: Buffer, from: number, to: number): number {
    const trailers = this.#trailers;
    const end = Math.min(to, from + this.#trailerRoom);
    let at = from;
    do {
      at = trailers.scan(bytes, at, end);
    } while (trailers.step === 'field');
    this.#trailerRoom -= at - from;
    // Most sections are the empty line alone, in one piece.
    const isBare = trailers.step === 'end' && at - from === EMPTY_LINE.length && this.trailerLines === '';
    if (!isBare) this.trailerLines += bytes.toString('latin1', from, at);
    if (trailers.step === 'fault') return this.#refuse(trailers.fault as FieldFault, at);
    if (trailers.step === 'end') {
      this.#state = END;
      if (this.trailerLines === EMPTY_LINE) this.trailerLines = '';
    } else if (this.#trailerRoom === 0) return this.#refuse('trailer_too_large', at);
    this.step = 'more';
    return at;
  }

  #refuse(fault: BodyFault, at: number): number {
    this.fault = fault;
    this.step = 'fault';
    return at;
  }
}
