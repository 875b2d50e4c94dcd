import { STATUS_CODES } from 'node:http';
import { hasEightBit } from '../../http/ascii.ts';
import { isContentLength } from '../../http/h1/content-length.ts';
import { MAX_FIELDS } from '../../http/h1/field-scanner.ts';
import { notInTrailers } from '../../http/h1/trailers.ts';
import { isH2Name, isH2Value, isOfConnection } from '../../http/h2-fields.ts';
import type { Framing, ResponseHead, Trailers } from '../../http/message.ts';

/** Why a response by HTTP/2 was refused; one of a fixed set, for logs. */
export type H2Fault =
  | 'status_code'
  | 'header_name'
  | 'header_value'
  | 'header_count'
  | 'head_too_large'
  | 'connection_field'
  | 'content_length'
  | 'two_lengths'
  | 'late_head'
  | 'body_length'
  /** node:http2, or the server, has found the stream against the protocol. */
  | 'protocol_error';

/** Fields that end at this hop, and Date, which the front writes. */
const dropped: ReadonlySet<string> = new Set([
  'date',
  'te',
  'trailer',
  'proxy-authenticate',
  'proxy-authentication-info',
]);

const statusCode = /^[1-9]\d\d$/;

/** Bytes of a line beside its name and value. */
const LINE_BYTES = ': \r\n'.length;

/** Bytes that the heads and trailers of one response may still have, as lines of HTTP/1.1. */
export interface HeadRoom {
  left: number;
}

/**
 * Reads the heads of responses out of decoded fields (RFC 9113 §8.3.2), with the rules that the fields have in HTTP/1.1,
 * because a client may speak that version. node:http2 has checked the same, but which of its rules hold depends on its
 * version. One reader serves all sessions of a pool.
 */
export class ResponseReader {
  /** Why the last `read` returned undefined. */
  fault: H2Fault = 'protocol_error';
  /** Servers repeat themselves: a front encodes a head once as long as the object is the same. */
  #last: ResponseHead | undefined;

  /**
   * @param raw names and values in turn, each character a byte.
   * @param method of the request. @param ends no body follows.
   * @returns undefined for a refusal.
   */
  read(raw: readonly string[], method: string, ends: boolean, room: HeadRoom): ResponseHead | undefined {
    let status = 0;
    let contentLength = -1;
    let lines = '';
    if (raw.length > 2 * MAX_FIELDS) return this.#refuse('header_count');
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = raw[at] as string;
      const value = raw[at + 1] as string;
      if (name === ':status') {
        if (status > 0 || !statusCode.test(value)) return this.#refuse('status_code');
        status = Number(value);
        continue;
      }
      const fault = faultOf(name, value, room);
      if (fault !== undefined) return this.#refuse(fault);
      if (name === 'content-length') {
        if (!isContentLength(value)) return this.#refuse('content_length');
        const length = Number(value);
        if (contentLength >= 0 && contentLength !== length) return this.#refuse('two_lengths');
        contentLength = length;
      } else if (!dropped.has(name)) lines += `\r\n${name}: ${value}`;
    }
    // No upgrade was asked for, and HTTP/2 has none (RFC 9113 §8.6).
    if (status < 100 || status === 101 || (status < 200 && ends)) return this.#refuse('status_code');
    const bodiless = method === 'HEAD' || status === 304 || status === 204 || status < 200;
    if (ends && !bodiless) {
      if (contentLength > 0) return this.#refuse('content_length');
      contentLength = 0;
    }
    const framing: Framing = bodiless ? 'none' : contentLength >= 0 ? 'length' : 'chunked';
    return this.#head(status, lines, framing, status === 204 ? -1 : contentLength);
  }

  /** The fields behind a body. @returns undefined for a refusal. */
  readTrailers(raw: readonly string[], room: HeadRoom): Trailers | undefined {
    const names: string[] = [];
    const values: string[] = [];
    if (raw.length > 2 * MAX_FIELDS) return this.#refuse('header_count');
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const name = raw[at] as string;
      const value = raw[at + 1] as string;
      const fault = faultOf(name, value, room);
      if (fault !== undefined) return this.#refuse(fault);
      if (notInTrailers.has(name)) continue;
      names.push(name);
      values.push(value);
    }
    return { names, values };
  }

  #head(status: number, fields: string, framing: Framing, contentLength: number): ResponseHead {
    const lines = `${status} ${STATUS_CODES[status] ?? ''}${fields}`;
    const last = this.#last;
    if (last?.lines === lines && last.framing === framing && last.contentLength === contentLength)
      return last;
    const head = { status, lines, eightBit: hasEightBit(lines), framing, contentLength };
    this.#last = head;
    return head;
  }

  #refuse(fault: H2Fault): undefined {
    this.fault = fault;
    return undefined;
  }
}

/** The fault of a field of a head or of trailers. Counts its bytes. */
function faultOf(name: string, value: string, room: HeadRoom): H2Fault | undefined {
  room.left -= name.length + value.length + LINE_BYTES;
  if (room.left < 0) return 'head_too_large';
  // Pseudo-header fields other than :status are those of requests.
  if (!isH2Name(name)) return 'header_name';
  if (isOfConnection(name)) return 'connection_field';
  if (!isH2Value(value)) return 'header_value';
  return undefined;
}
