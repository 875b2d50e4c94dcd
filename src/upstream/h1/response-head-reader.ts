import { CR, HTAB, isDigit, isFieldByte, LF, SP, spells } from '../../http/ascii.ts';
import { challengesConnection } from '../../http/connection-auth.ts';
import { ConnectionOptions } from '../../http/h1/connection-options.ts';
import { ContentLength, type ContentLengthFault } from '../../http/h1/content-length.ts';
import { type FieldFault, FieldScanner } from '../../http/h1/field-scanner.ts';
import {
  type FramingFault,
  type FramingFields,
  framingFault,
  framingOf,
  mayReuse,
} from '../../http/h1/framing.ts';
import { KeepAliveHint } from '../../http/h1/keep-alive-hint.ts';
import { KeptHeaders } from './kept-headers.ts';
import type { ResponseHead } from './response-head.ts';

const CODE = 0;
const REASON = 1;
const STATUS_LINE_FEED = 2;
const FIELDS = 3;

const protocol = 'HTTP/1.';
/** Length of `HTTP/`; the version follows. */
const VERSION_START = 5;
/** The start of almost every response; compared as a whole before it is read byte by byte. */
const usualStatusLine = Buffer.from('HTTP/1.1 200 OK\r\n', 'latin1');
/** Length of `HTTP/1.1 200`. */
const CODE_END = 12;

export type HeadFault =
  | FieldFault
  | FramingFault
  | ContentLengthFault
  | 'status_line'
  | 'http_version'
  | 'status_code'
  | 'transfer_encoding'
  | 'two_transfer_encodings'
  | 'connection_options';

/**
 * Reads one response head, from the status line to the empty line. The bytes may arrive in pieces of any size, but all
 * bytes of a head must be in one buffer. A caller that moves them to the front of another buffer calls `rebase`.
 */
export class ResponseHeadReader implements FramingFields {
  /** The result of the last `read`. */
  step: 'more' | 'end' | 'fault' = 'more';
  fault: HeadFault | undefined = undefined;
  /** Offset of the head's first byte. */
  start = 0;
  method = '';
  status = 0;
  current = false;
  chunked = false;
  mayUpgrade = false;
  /** The value of Upgrade. */
  #upgrade = '';
  readonly #fields = new FieldScanner();
  readonly #kept = new KeptHeaders();
  readonly #length = new ContentLength();
  readonly #options = new ConnectionOptions();
  readonly #hint = new KeepAliveHint();
  /** A field challenges for a scheme that authenticates the connection. */
  #connectionAuth = false;
  #state = CODE;
  /** The status line is the usual one. */
  #usual = false;
  #reasonStart = 0;
  #reasonEnd = 0;
  #reasonBits = 0;

  get contentLength(): number {
    return this.#length.value;
  }

  /** Begins the response to a request with this method; its head starts at offset 0. */
  reset(method: string, mayUpgrade = false): void {
    this.method = method;
    this.mayUpgrade = mayUpgrade;
    this.#connectionAuth = false;
    this.next(0);
  }

  /** Begins another head of the same response at this offset. */
  next(start: number): void {
    this.fault = undefined;
    this.start = start;
    this.status = 0;
    this.chunked = false;
    this.#length.reset();
    this.#fields.reset();
    this.#kept.reset();
    this.#options.reset();
    this.#hint.reset();
    this.#state = CODE;
    this.#usual = false;
    this.#reasonBits = 0;
    this.#upgrade = '';
  }

  /** Takes note that the bytes of the head have moved to offset 0. */
  rebase(): void {
    const by = this.start;
    this.start = 0;
    this.#reasonStart -= by;
    this.#reasonEnd -= by;
    this.#fields.rebase(by);
    this.#kept.rebase(by);
  }

  /** Reads [from, to) and returns the offset after the last byte used; `step` says why it stopped. */
  read(bytes: Buffer, from: number, to: number): number {
    let at = from;
    if (this.#state !== FIELDS) {
      this.step = 'more';
      at = this.#readStatusLine(bytes, at, to);
      if (this.#state !== FIELDS) return at;
    }
    const fields = this.#fields;
    for (;;) {
      at = fields.scan(bytes, at, to);
      let fault: HeadFault | undefined;
      switch (fields.step) {
        case 'field':
          fault = this.#take(bytes, fields);
          if (fault === undefined) continue;
          break;
        case 'more':
          this.step = 'more';
          return at;
        case 'end':
          fault = framingFault(this);
          if (fault !== undefined) break;
          this.step = 'end';
          return at;
        default:
          fault = fields.fault as FieldFault;
      }
      return this.#refuse(fault, at);
    }
  }

  /** The head that was read; it ends at this offset. */
  head(bytes: Buffer, end: number): ResponseHead {
    const start = this.start;
    const kept = this.#kept;
    const options = this.#options;
    const hint = this.#hint;
    // Converts the whole head at once; slices of the string copy nothing.
    const text = bytes.toString('latin1', start, end);
    if (options.named.length > 0) kept.drop(options.named, text, start);
    const framing = framingOf(this);
    const reason = this.#usual ? 'OK' : text.slice(this.#reasonStart - start, this.#reasonEnd - start);
    const fields = kept.lines(bytes, text, start);
    const head: ResponseHead = {
      status: this.status,
      lines: `${this.status} ${reason}${fields}`,
      eightBit: this.#reasonBits >= 0x80 || kept.eightBit(fields),
      framing,
      contentLength: this.status === 204 ? -1 : this.contentLength,
      keepAlive: !this.#connectionAuth && mayReuse(this, framing, options, hint),
      keepSeconds: hint.seconds,
      keepRequests: hint.requests,
    };
    if (this.status !== 101) return head;
    return { ...head, upgrade: options.named.includes('upgrade') ? this.#upgrade : undefined };
  }

  #readStatusLine(bytes: Uint8Array, from: number, to: number): number {
    if (from === this.start && startsUsually(bytes, from, to)) {
      this.status = 200;
      this.current = true;
      this.#usual = true;
      this.#state = FIELDS;
      return from + usualStatusLine.length;
    }
    let at = from;
    while (at < to && this.#state === CODE) {
      const byte = bytes[at] as number;
      const index = at - this.start;
      if (index < protocol.length) {
        if (byte !== protocol.charCodeAt(index)) return this.#refuse(faultOfProtocol(byte, index), at);
      } else if (index === protocol.length) {
        if (byte !== 0x30 && byte !== 0x31) return this.#refuse(faultOfProtocol(byte, index), at);
        this.current = byte === 0x31;
      } else if (index === protocol.length + 1) {
        if (byte !== SP) return this.#refuse(faultOfProtocol(byte, index), at);
      } else if (index < CODE_END) {
        if (byte < 0x30 || byte > 0x39) return this.#refuse('status_code', at);
        this.status = this.status * 10 + byte - 0x30;
      } else {
        if (this.status < 100 || isDigit(byte)) return this.#refuse('status_code', at);
        // RFC 9112 §4 requires the space even without a reason, but some servers leave out both.
        if (byte !== SP && byte !== CR) return this.#refuse(byte === LF ? 'bare_lf' : 'status_line', at);
        this.#reasonStart = byte === SP ? at + 1 : at;
        this.#reasonEnd = this.#reasonStart;
        this.#state = byte === SP ? REASON : STATUS_LINE_FEED;
      }
      at += 1;
    }
    if (this.#state === REASON) {
      while (at < to && isFieldByte(bytes[at] as number)) {
        this.#reasonBits |= bytes[at] as number;
        at += 1;
      }
      if (at < to) {
        if (bytes[at] !== CR) return this.#refuse(bytes[at] === LF ? 'bare_lf' : 'status_line', at);
        this.#reasonEnd = at;
        at += 1;
        this.#state = STATUS_LINE_FEED;
      }
    }
    if (at < to && this.#state === STATUS_LINE_FEED) {
      if (bytes[at] !== LF) return this.#refuse('bare_cr', at);
      at += 1;
      this.#state = FIELDS;
    }
    return at;
  }

  /** Handles a field that concerns framing or this hop; keeps other fields for the client. */
  #take(bytes: Buffer, fields: FieldScanner): HeadFault | undefined {
    const { nameStart, nameEnd, valueStart } = fields;
    let valueEnd = fields.valueEnd;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB))
      valueEnd -= 1;
    switch (nameEnd - nameStart) {
      case 2:
        if (spells(bytes, nameStart, nameEnd, 'te')) return undefined;
        break;
      case 4:
        if (spells(bytes, nameStart, nameEnd, 'date')) return undefined;
        break;
      case 7:
        if (spells(bytes, nameStart, nameEnd, 'trailer')) return undefined;
        if (spells(bytes, nameStart, nameEnd, 'upgrade')) {
          // Two protocols, or two fields, name none that both sides would take for the agreed one.
          if (this.mayUpgrade) this.#upgrade += bytes.toString('latin1', valueStart, valueEnd);
          return undefined;
        }
        break;
      case 10:
        if (spells(bytes, nameStart, nameEnd, 'keep-alive')) {
          this.#hint.take(bytes, valueStart, valueEnd);
          return undefined;
        }
        if (spells(bytes, nameStart, nameEnd, 'connection')) {
          return this.#options.take(bytes, valueStart, valueEnd) ? undefined : 'connection_options';
        }
        break;
      case 14:
        if (spells(bytes, nameStart, nameEnd, 'content-length')) {
          return this.#length.take(bytes, valueStart, valueEnd);
        }
        break;
      case 16:
        if (spells(bytes, nameStart, nameEnd, 'proxy-connection')) return undefined;
        if (spells(bytes, nameStart, nameEnd, 'www-authenticate')) {
          if (challengesConnection(bytes, valueStart, valueEnd)) this.#connectionAuth = true;
        }
        break;
      case 17:
        if (spells(bytes, nameStart, nameEnd, 'transfer-encoding')) {
          // Another coding or a second field leaves the framing in doubt.
          if (this.chunked) return 'two_transfer_encodings';
          if (!spells(bytes, valueStart, valueEnd, 'chunked')) return 'transfer_encoding';
          // The grammar allows a tab here, but llhttp then does not see `chunked` and reads until close.
          if (fields.valueEnd > valueEnd && bytes.subarray(valueEnd, fields.valueEnd).includes(HTAB)) {
            return 'transfer_encoding';
          }
          this.chunked = true;
          return undefined;
        }
        break;
      case 18:
        if (spells(bytes, nameStart, nameEnd, 'proxy-authenticate')) {
          if (challengesConnection(bytes, valueStart, valueEnd)) this.#connectionAuth = true;
          return undefined;
        }
        break;
      case 25:
        if (spells(bytes, nameStart, nameEnd, 'proxy-authentication-info')) return undefined;
        break;
      default:
    }
    this.#kept.add(nameStart, nameEnd, valueStart, valueEnd, fields.valueBits);
    return undefined;
  }

  #refuse(fault: HeadFault, at: number): number {
    this.fault = fault;
    this.step = 'fault';
    return at;
  }
}

function startsUsually(bytes: Uint8Array, from: number, to: number): boolean {
  const usual = usualStatusLine;
  if (to - from < usual.length) return false;
  for (let index = 0; index < usual.length; index += 1)
    if (bytes[from + index] !== usual[index]) return false;
  return true;
}

/** The fault of a byte that does not fit `HTTP/1.1 `: another version, or no status line at all. */
function faultOfProtocol(byte: number, index: number): HeadFault {
  return index >= VERSION_START && isDigit(byte) ? 'http_version' : 'status_line';
}
