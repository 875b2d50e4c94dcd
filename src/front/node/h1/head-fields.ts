import { namesClose, namesKeepAlive } from '../../../http/h1/connection-options.ts';
import { RequestFraming } from '../../../http/h1/request-framing.ts';
import { isHostAndPort } from '../../../http/host-port.ts';
import { AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING } from './name-table.ts';
import { malformed, type RequestFault, unknownCoding, unknownExpectation } from './request-head.ts';

/** What the fields of one head after another say to the front. */
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
  #unknownExpectation = false;
  /** The last host that was found well formed; most requests of a front repeat it. */
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
    this.#unknownExpectation = false;
  }

  /** Takes in one field. @param kind one of the name table's, but `OTHER`. */
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
        // A list may be empty (RFC 9110 §5.6.1). Then the client expects nothing.
        if (value.toLowerCase() === '100-continue') this.#continue = true;
        else if (value !== '') this.#unknownExpectation = true;
        break;
    }
  }

  /** Why a request of HTTP/1.`minor` with these fields is refused; undefined when it is not. */
  fault(minor: 0 | 1): RequestFault | undefined {
    const { framing } = this;
    if (framing.isFaulty) return minor === 1 && framing.hasUnknownCoding ? unknownCoding : malformed;
    // RFC 9112 §6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
    if (minor === 0 && framing.framing === 'chunked') return malformed;
    // RFC 9112 §3.2 demands one Host. HTTP/1.0 does not know the field: health checks of balancers send none.
    if (this.#hosts !== 1 && (minor === 1 || this.#hosts > 1)) return malformed;
    if (this.#hosts === 1 && this.host !== this.#goodHost) {
      if (!isHostAndPort(this.host)) return malformed;
      this.#goodHost = this.host;
    }
    return this.#unknownExpectation && minor === 1 ? unknownExpectation : undefined;
  }

  /** HTTP/1.0 keeps a connection only when asked to (RFC 9112 §9.3). */
  closes(minor: 0 | 1): boolean {
    return this.#close || (minor === 0 && !this.#keepAlive);
  }

  /** A server must ignore the expectation of HTTP/1.0 (RFC 9110 §10.1.1). */
  expectsContinue(minor: 0 | 1): boolean {
    return minor === 1 && this.#continue;
  }
}
