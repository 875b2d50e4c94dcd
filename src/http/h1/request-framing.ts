import type { BodyFraming } from '../message.ts';
import { isContentLength } from './content-length.ts';

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

  get framing(): BodyFraming {
    if (this.#encodings > 0) return 'chunked';
    return this.#lengths > 0 && this.#length !== '0' ? 'length' : 'none';
  }

  /** In bytes; 0 without Content-Length. */
  get contentLength(): number {
    return this.#lengths === 0 ? 0 : Number(this.#length);
  }
}
