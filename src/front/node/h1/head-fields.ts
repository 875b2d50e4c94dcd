import { namesClose, namesKeepAlive } from '../../../http/h1/connection-options.ts';
import { RequestFraming } from '../../../http/h1/request-framing.ts';
import { isHostAndPort } from '../../../http/host-port.ts';
import type { Reason } from '../../../reasons.ts';
import { AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING } from './name-table.ts';

/** The meaning of a head's fields for the front. It serves one head after another. */
export class HeadFields {
  readonly framing = new RequestFraming();
  /** The value of Host; empty without one, which only HTTP/1.0 may lack. */
  host = '';
  authorization: string | undefined;
  authorizations = 0;
  #hosts = 0;
  #close = false;
  #keepAlive = false;
  #continue = false;
  /** The last well-formed host. Most requests of a front repeat it. */
  #goodHost: string | undefined;

  reset(): void {
    this.framing.reset();
    this.host = '';
    this.authorization = undefined;
    this.authorizations = 0;
    this.#hosts = 0;
    this.#close = false;
    this.#keepAlive = false;
    this.#continue = false;
  }

  /** Takes in one field. @param kind a value of the name table other than `OTHER`. */
  take(kind: number, value: string): void {
    switch (kind) {
      case HOST:
        this.host = value;
        this.#hosts += 1;
        break;
      case AUTHORIZATION:
        this.authorization ??= value;
        this.authorizations += 1;
        break;
      case CONTENT_LENGTH:
        this.framing.takeLength(value);
        break;
      case TRANSFER_ENCODING:
        this.framing.takeEncoding(value);
        break;
      case CONNECTION:
        if (value === 'keep-alive') this.#keepAlive = true;
        else {
          this.#close ||= namesClose(value);
          this.#keepAlive ||= namesKeepAlive(value);
        }
        break;
      case EXPECT:
        // The gateway ignores another expectation, and does not send it on (RFC 9110 §10.1.1).
        if (value.toLowerCase() === '100-continue') this.#continue = true;
        break;
    }
  }

  /** Why a request of HTTP/1.`minor` with these fields is refused; undefined when it is not. */
  fault(minor: 0 | 1): Reason | undefined {
    const { framing } = this;
    if (framing.isFaulty)
      return minor === 1 && framing.hasUnknownCoding ? 'transfer_coding_not_supported' : 'request_malformed';
    // RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
    if (minor === 0 && framing.framing === 'chunked') return 'request_malformed';
    // RFC 9112 §3.2 demands one Host. HTTP/1.0 does not know the field: health checks of balancers send none.
    if (this.#hosts !== 1 && (minor === 1 || this.#hosts > 1)) return 'request_malformed';
    if (this.#hosts === 1 && this.host !== this.#goodHost) {
      if (!isHostAndPort(this.host)) return 'request_malformed';
      this.#goodHost = this.host;
    }
    return undefined;
  }

  /** Whether the client wants the connection closed. HTTP/1.0 keeps it only on request (RFC 9112 §9.3). */
  closes(minor: 0 | 1): boolean {
    return this.#close || (minor === 0 && !this.#keepAlive);
  }

  /** A server must ignore the expectation of HTTP/1.0 (RFC 9110 §10.1.1). */
  expectsContinue(minor: 0 | 1): boolean {
    return minor === 1 && this.#continue;
  }
}
