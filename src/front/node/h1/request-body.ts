import { withoutBlanks } from '../../../http/ascii.ts';
import { BodyDecoder, requestChunks } from '../../../http/h1/body-decoder.ts';
import { NameSet } from '../../../http/name-set.ts';
import type { Reason } from '../../../reasons.ts';
import type { H1RequestHead } from './request-head.ts';

/** Trailer fields of one request, as the names and values of its head. */
export interface Trailers {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/**
 * Fields that frame, route or authorize a message, or say how to read it. They must come before the body (RFC 9110 §6.5.1).
 * A server that merges trailers into the head would obey them, although the gateway has decided without them.
 */
const notInTrailers = new NameSet([
  ...['transfer-encoding', 'content-length', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...[
    'upgrade',
    'host',
    'expect',
    'max-forwards',
    'http2-settings',
    'proxy',
    'range',
    'cache-control',
    'pragma',
  ],
  ...[
    'authorization',
    'proxy-authorization',
    'cookie',
    'www-authenticate',
    'proxy-authenticate',
    'set-cookie',
  ],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['content-encoding', 'content-type', 'content-range', 'content-location'],
]);

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
    } else if (this.step === 'end' && decoder.trailerLines.length > EMPTY_LINE) {
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

/** Length of the line that ends the trailer section. */
const EMPTY_LINE = '\r\n'.length;

/** @param lines well-formed field lines and the empty line. */
function trailersIn(lines: string): Trailers {
  const names: string[] = [];
  const values: string[] = [];
  for (const line of lines.slice(0, -2 * EMPTY_LINE).split('\r\n')) {
    const colon = line.indexOf(':');
    names.push(line.slice(0, colon).toLowerCase());
    values.push(withoutBlanks(line, colon + 1, line.length));
  }
  return { names, values };
}
