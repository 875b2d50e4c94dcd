import { isContentLength } from '../../../http/h1/content-length.ts';
import { notInTrailers } from '../../../http/h1/trailers.ts';
import { isHostAndPort } from '../../../http/host-port.ts';
import { bytesAsSent, type RequestHead, type Trailers } from '../../../http/message.ts';
import { isServable } from '../../../http/request-rules.ts';
import { KEY_FIELD, newKey } from '../../../http/websocket/handshake.ts';
import type { Reason } from '../../../reasons.ts';
import * as kinds from './field-kinds.ts';
import type { FieldList } from './hpack/field.ts';

/**
 * Reads request heads out of decoded fields (RFC 9113 §8.3). What upstream gets is the head of an HTTP/1.1 request, so
 * the rules are those for both versions, and each is mandatory. `read` is synchronous: one reader serves all connections.
 */
export class RequestReader {
  /** The last authority that was found well formed; most requests repeat it. */
  #goodHost = '';
  #method: string | undefined;
  #path: string | undefined;
  #scheme: string | undefined;
  #authority: string | undefined;
  #protocol: string | undefined;
  #host: string | undefined;
  #hosts = 0;
  #length = '';
  #lengths = 0;
  #expectsContinue = false;
  #authorization: string | undefined;
  #authorizations = 0;

  /** @param ends no body and no trailers follow. @param connects the client was told that it may send `:protocol`. */
  read(list: FieldList, ends: boolean, connects: boolean): RequestHead {
    this.#reset();
    const names: string[] = ['host'];
    const values: string[] = [''];
    let faulty = !this.#take(list, names, values);
    let protocol: string | undefined;
    if (this.#protocol !== undefined) {
      if (connects && !ends && this.#isConnect()) protocol = this.#translate(names, values);
      else faulty = true;
    }
    const target = this.#path ?? '';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? undefined : target.slice(mark + 1);
    const host = this.#authority ?? this.#host ?? '';
    values[0] = host;
    const length = this.#lengths === 0 ? 0 : Number(this.#length);
    const isFaulty = faulty || !this.#isWhole(host, path, query) || !this.#isFramed(ends);
    const framing =
      ends || protocol !== undefined
        ? 'none'
        : this.#lengths === 0
          ? 'chunked'
          : length > 0
            ? 'length'
            : 'none';
    const fault: Reason | undefined = list.isTooLarge
      ? 'request_head_too_large'
      : isFaulty
        ? 'request_malformed'
        : undefined;
    return {
      method: this.#method ?? '',
      path,
      query,
      names,
      values,
      charset: bytesAsSent,
      host,
      authorization: this.#authorization,
      authorizationCount: this.#authorizations,
      framing,
      contentLength: framing === 'length' ? length : 0,
      expectsContinue: this.#expectsContinue && framing !== 'none',
      close: false,
      connects: fault === undefined ? protocol : undefined,
      fault,
      repeats: list.hasNew || protocol !== undefined ? undefined : { written: undefined },
    };
  }

  #reset(): void {
    this.#expectsContinue = false;
    this.#method = undefined;
    this.#path = undefined;
    this.#scheme = undefined;
    this.#authority = undefined;
    this.#protocol = undefined;
    this.#host = undefined;
    this.#hosts = 0;
    this.#lengths = 0;
    this.#authorization = undefined;
    this.#authorizations = 0;
  }

  /** Sorts the fields; false when one is faulty, or a pseudo-header field is repeated or late (RFC 9113 §8.3). */
  #take({ fields }: FieldList, names: string[], values: string[]): boolean {
    let cookieAt = -1;
    for (let at = 0; at < fields.length; at += 1) {
      const { name, value, kind } = fields[at] as (typeof fields)[number];
      switch (kind) {
        case kinds.PLAIN:
          break;
        case kinds.COOKIE:
          // One line for upstream (RFC 9113 §8.2.3).
          if (cookieAt >= 0) {
            values[cookieAt] += `; ${value}`;
            continue;
          }
          cookieAt = names.length;
          break;
        case kinds.AUTHORIZATION:
          this.#authorization ??= value;
          this.#authorizations += 1;
          break;
        case kinds.HOST:
          this.#host = value;
          this.#hosts += 1;
          continue;
        case kinds.CONTENT_LENGTH:
          this.#length = value;
          this.#lengths += 1;
          break;
        case kinds.EXPECT:
          this.#expectsContinue = value.toLowerCase() === '100-continue';
          break;
        default:
          if (kind === kinds.FAULTY || names.length > 1 || this.#hosts > 0 || !this.#takePseudo(kind, value))
            return false;
          continue;
      }
      names.push(name);
      values.push(value);
    }
    return true;
  }

  #takePseudo(kind: number, value: string): boolean {
    switch (kind) {
      case kinds.METHOD:
        if (this.#method !== undefined) return false;
        this.#method = value;
        return true;
      case kinds.PATH:
        if (this.#path !== undefined) return false;
        this.#path = value;
        return true;
      case kinds.SCHEME:
        if (this.#scheme !== undefined) return false;
        this.#scheme = value;
        return true;
      case kinds.PROTOCOL:
        if (this.#protocol !== undefined) return false;
        this.#protocol = value;
        return true;
      default:
        if (this.#authority !== undefined) return false;
        this.#authority = value;
        return true;
    }
  }

  /** Whether a request with `:protocol` is an extended CONNECT, which has no body but a tunnel (RFC 8441 §4). */
  #isConnect(): boolean {
    return this.#method === 'CONNECT' && this.#authority !== undefined && this.#lengths === 0;
  }

  /** Makes the request by HTTP/1.1 of it (RFC 8441 §5), and returns the protocol. A key of the client means nothing. */
  #translate(names: string[], values: string[]): string {
    const protocol = (this.#protocol as string).toLowerCase();
    this.#method = 'GET';
    for (let at = names.indexOf(KEY_FIELD); at >= 0; at = names.indexOf(KEY_FIELD)) {
      names.splice(at, 1);
      values.splice(at, 1);
    }
    if (protocol === 'websocket') {
      names.push(KEY_FIELD);
      values.push(newKey());
    }
    return protocol;
  }

  /** Whether the head names all that a request must (RFC 9113 §8.3.1), and one host only. */
  #isWhole(host: string, path: string, query: string | undefined): boolean {
    if (this.#method === undefined || this.#path === undefined) return false;
    // What stands in front may have ended TLS, so the scheme need not be that of the socket.
    if (this.#scheme !== 'https' && this.#scheme !== 'http') return false;
    if (this.#hosts > 1 || (this.#hosts === 1 && this.#host !== host)) return false;
    if (host !== this.#goodHost) {
      if (!isHostAndPort(host)) return false;
      this.#goodHost = host;
    }
    // The server in general (RFC 9113 §8.3.1): the exchange replies without a route.
    if (path === '*' && query === undefined) return this.#method === 'OPTIONS';
    return isServable(this.#method, path, query);
  }

  /** Whether Content-Length is one number, and 0 where nothing follows (RFC 9113 §8.1.1). */
  #isFramed(ends: boolean): boolean {
    if (this.#lengths === 0) return true;
    return this.#lengths === 1 && isContentLength(this.#length) && (!ends || Number(this.#length) === 0);
  }
}

/**
 * The fields as trailers. Undefined when one is faulty or a pseudo-header field (RFC 9113 §8.1), or must come before the
 * body as in HTTP/1.1, or they are too many.
 */
export function trailersIn({ fields, isTooLarge }: FieldList): Trailers | undefined {
  if (isTooLarge) return undefined;
  // All kinds but this one belong in the head.
  if (fields.some(({ name, kind }) => kind !== kinds.PLAIN || notInTrailers.has(name))) return undefined;
  return { names: fields.map(({ name }) => name), values: fields.map(({ value }) => value) };
}
