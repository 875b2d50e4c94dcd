import type { BodyFraming } from '../message.ts';
import { isContentLength } from './content-length.ts';

/** Transfer codings without parameters of which `chunked` is the last one. */
const endsWithChunked = /^(?:[!#$%&'*+.^_`|~0-9a-z-]+[ \t]*,[ \t]*)+chunked$/i;
const chunkedBefore = /(?:^|[ \t,])chunked[ \t]*,/i;

/**
 * The fields that frame the body of one request (RFC 9112 §6). A fault here would let a client's bytes become another
 * request, so the rules leave nothing open: one Content-Length at most, with one number; one Transfer-Encoding at most,
 * which is `chunked`; never both.
 */
export class RequestFraming {
  #length = '';
  #lengths = 0;
  #encoding = '';
  #encodings = 0;

  reset(): void {
    this.#lengths = 0;
    this.#encodings = 0;
  }

  /** Takes in a Content-Length field. */
  takeLength(value: string): void {
    this.#length = value;
    this.#lengths += 1;
  }

  /** Takes in a Transfer-Encoding field. */
  takeEncoding(value: string): void {
    this.#encoding = value;
    this.#encodings += 1;
  }

  /** Whether the fields break a rule. The other properties then mean nothing. */
  get isFaulty(): boolean {
    if (this.#lengths === 0 && this.#encodings === 0) return false;
    if (this.#lengths + this.#encodings > 1) return true;
    return this.#lengths === 1 ? !isContentLength(this.#length) : this.#encoding.toLowerCase() !== 'chunked';
  }

  /**
   * Whether the only fault is a transfer coding before `chunked` (RFC 9112 §6.1). Without `chunked` at the end the body
   * would have no certain end, which is a fault of the client (§6.3 rule 4). Asked only when the fields break a rule.
   */
  get hasUnknownCoding(): boolean {
    if (this.#lengths > 0 || this.#encodings !== 1) return false;
    return endsWithChunked.test(this.#encoding) && !chunkedBefore.test(this.#encoding);
  }

  get framing(): BodyFraming {
    if (this.#encodings > 0) return 'chunked';
    return this.contentLength > 0 ? 'length' : 'none';
  }

  /** In bytes; 0 without Content-Length. */
  get contentLength(): number {
    return this.#lengths === 0 ? 0 : Number(this.#length);
  }
}
