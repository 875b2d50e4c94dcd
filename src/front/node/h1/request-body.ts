import { BodyDecoder, requestChunks } from '../../../http/h1/body-decoder.ts';
import { notInTrailers, trailersIn } from '../../../http/h1/trailers.ts';
import type { Trailers } from '../../../http/message.ts';
import type { Reason } from '../../../reasons.ts';
import type { H1RequestHead } from './request-head.ts';

/**
 * Finds the bytes of one request body after another (RFC 9112 §6, §7). Bytes after the body belong to the next request.
 */
export class RequestBodyReader {
  /** The result of the last `read`: a piece of `data`, the `end`, `more` bytes needed, or a `fault`. */
  step: 'more' | 'data' | 'end' | 'fault' = 'more';
  /** Set with `fault`. */
  fault: Reason | undefined = undefined;
  /** Set at the `end` of a chunked body that has trailers. */
  trailers: Trailers | undefined = undefined;
  readonly #decoder = new BodyDecoder(requestChunks);

  /** The piece of data stands in [dataStart, dataEnd) of the buffer that was read, and is not empty. */
  get dataStart(): number {
    return this.#decoder.dataStart;
  }

  get dataEnd(): number {
    return this.#decoder.dataEnd;
  }

  /** Begins the body of this request. @param trailerRoom bytes that its trailer section may have. */
  start({ framing, contentLength }: H1RequestHead, trailerRoom: number): void {
    this.fault = undefined;
    this.trailers = undefined;
    this.#decoder.start(framing, contentLength, trailerRoom);
  }

  /** Reads in [from, to) and returns the offset after the last byte used; `step` says why it stopped. */
  read(bytes: Buffer, from: number, to: number): number {
    const decoder = this.#decoder;
    const at = decoder.decode(bytes, from, to);
    this.step = decoder.step;
    if (this.step === 'fault') {
      this.#refuse(decoder.fault === 'trailer_too_large' || decoder.fault === 'header_count');
    } else if (this.step === 'end' && decoder.trailerLines !== '') {
      const trailers = trailersIn(decoder.trailerLines);
      if (trailers.names.some((name) => notInTrailers.has(name))) this.#refuse(false);
      else this.trailers = trailers;
    }
    return at;
  }

  #refuse(isTooLarge: boolean): void {
    this.fault = isTooLarge ? 'request_head_too_large' : 'request_malformed';
    this.step = 'fault';
  }
}
