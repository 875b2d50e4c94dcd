import { Buffer } from 'node:buffer';
import { namesClose } from '../../http/h1/connection-options.ts';
import { fieldLineBytes, requestHeadBytes } from '../../http/h1/head-size.ts';
import { RequestFraming } from '../../http/h1/request-framing.ts';
import { isHostAndPort } from '../../http/host-port.ts';
import type { Charset, RequestHead } from '../../http/message.ts';
import { isServable } from '../../http/request-rules.ts';
import type { Reason } from '../../reasons.ts';
import type { EngineRequest } from './engine.ts';

/** The engine closes by itself after a request whose Connection value has this length, whatever its content. */
const ENGINE_CLOSES_AT = 'close'.length;

/** The engine decodes values as UTF-8, and puts U+FFFD in place of bytes that are no UTF-8. */
const decoded: Charset = Object.freeze({ encoding: 'utf8', replacement: '\ufffd' });

/**
 * Reads a request head from the engine and checks its framing (RFC 9112 §6). Every rule here is mandatory: the engine
 * accepts several framing faults with which one client's bytes could become another client's request. One reader serves
 * one front: `read` is synchronous, and the engine's request object is dead after the handler.
 */
export class HeadReader {
  readonly #framing = new RequestFraming();
  readonly #limit: number;
  #names: string[] = [];
  #values: string[] = [];
  #host = '';
  #hosts = 0;
  #authorization: string | undefined;
  #authorizations = 0;
  #connections = 0;
  #close = false;
  /** The engine closes the connection after the response to the request that was read last. */
  engineCloses = false;
  /** The last host that was well formed; most requests of a front repeat it. */
  #goodHost: string | undefined;
  /** Characters of the header lines. */
  #size = 0;

  /** @param limit bytes of a head, request line and empty line included. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  read(request: EngineRequest): RequestHead {
    const method = request.getCaseSensitiveMethod();
    const path = request.getUrl();
    const query = request.getQuery();
    this.#names = [];
    this.#values = [];
    this.#hosts = 0;
    this.#framing.reset();
    this.#authorization = undefined;
    this.#authorizations = 0;
    this.#connections = 0;
    this.#close = false;
    this.engineCloses = false;
    this.#size = 0;
    request.forEach(this.#visit);
    const fault = this.#judge(method, path, query);
    return {
      method,
      path,
      query,
      names: this.#names,
      values: this.#values,
      charset: decoded,
      host: this.#host,
      authorization: this.#authorization,
      authorizationCount: this.#authorizations,
      framing: this.#framing.framing,
      contentLength: this.#framing.contentLength,
      close: this.#close,
      fault,
    };
  }

  readonly #visit = (name: string, value: string): void => {
    this.#names.push(name);
    this.#values.push(value);
    this.#size += fieldLineBytes(name, value);
    switch (name) {
      case 'host':
        this.#host = value;
        this.#hosts += 1;
        break;
      case 'authorization':
        this.#authorization ??= value;
        this.#authorizations += 1;
        break;
      case 'connection':
        this.#connections += 1;
        if (value === 'keep-alive') break;
        if (this.#connections === 1) this.engineCloses = value.length === ENGINE_CLOSES_AT;
        this.#close ||= this.engineCloses || namesClose(value);
        break;
      case 'content-length':
        this.#framing.takeLength(value);
        break;
      case 'transfer-encoding':
        this.#framing.takeEncoding(value);
        break;
    }
  };

  #judge(method: string, path: string, query: string | undefined): Reason | undefined {
    if (this.#framing.isFaulty) return 'request_malformed';
    if (this.#hosts !== 1) return 'request_malformed';
    if (this.#host !== this.#goodHost) {
      if (!isHostAndPort(this.#host)) return 'request_malformed';
      this.#goodHost = this.#host;
    }
    if (!isServable(method, path, query)) return 'request_malformed';
    const size = requestHeadBytes(method, path, query, this.#size);
    // Names and target are ASCII, but one character of a value is up to three bytes.
    const tooLarge =
      size > this.#limit || (size * 3 > this.#limit && size + this.#extraBytes() > this.#limit);
    return tooLarge ? 'request_head_too_large' : undefined;
  }

  /** Bytes of the values minus their characters. */
  #extraBytes(): number {
    let extra = 0;
    for (const value of this.#values) extra += Buffer.byteLength(value) - value.length;
    return extra;
  }
}
