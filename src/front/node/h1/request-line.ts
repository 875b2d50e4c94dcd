import { CR, isDigit, LF, SP, tokenBytes } from '../../../http/ascii.ts';
import { isRefusedMethod } from '../../../http/request-rules.ts';
import type { Reason } from '../../../reasons.ts';
import { hasLineFeed } from './field-lines.ts';
import { type OtherTarget, readOtherTarget } from './other-target.ts';

const SLASH = 0x2f;

const QUESTION = 0x3f;
/** `HTTP/1.`, all of the version but the last digit. */
const VERSION = Buffer.from('HTTP/1.', 'latin1');
/** Length of `HTTP/`, after which a digit, a dot and a digit stand. */
const NUMBER_AT = 5;
const VERSION_LENGTH = 8;

/** The kinds of bytes in a request target: no part of it (0), a part, or the first byte of a query. */
const PART = 1;
const QUERY = 2;
/** Visible ASCII without `#`, as `isServable` has it. */
const targetBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte <= 0x20 || byte >= 0x7f || byte === 0x23) return 0;
  return byte === QUESTION ? QUERY : PART;
});

/** Whether a target may have this byte. */
export function isTargetByte(byte: number): boolean {
  return targetBytes[byte] !== 0;
}

/** The usual methods, for which the reader makes no strings. */
const usualMethods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'] as const;

/**
 * Reads a request line (RFC 9112 §3): a token, one space, a target of visible ASCII, one space, the version, CRLF. The
 * reader judges a line once its line feed has come.
 */
export class RequestLine {
  /** The result of the last `read`: the whole line (`end`), `more` bytes needed, or a `fault`. */
  step: 'more' | 'end' | 'fault' = 'more';
  fault: Reason = 'request_malformed';
  method = '';
  minor: 0 | 1 = 1;
  /** Offsets of the target, and of the `?` in it; `question` is 0 without one. */
  targetStart = 0;
  targetEnd = 0;
  question = 0;
  /** The target, when it does not begin with a slash. */
  other: OtherTarget | undefined = undefined;

  /** Reads [from, to); returns the offset after the line, or `from` when the line is not whole or has a fault. */
  read(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && tokenBytes[bytes[at] as number] === 1) at += 1;
    if (at === to) return this.#stop('more', from);
    if (at === from || bytes[at] !== SP) return this.#refuse(bytes, from, at, to);
    const methodEnd = at;
    at += 1;
    this.targetStart = at;
    this.question = 0;
    for (; at < to; at += 1) {
      const kind = targetBytes[bytes[at] as number];
      if (kind === PART) continue;
      if (kind !== QUERY) break;
      if (this.question === 0) this.question = at;
    }
    if (at === to) return this.#stop('more', from);
    if (at === this.targetStart || bytes[at] !== SP) return this.#refuse(bytes, from, at, to);
    this.targetEnd = at;
    at += 1;
    const end = at + VERSION_LENGTH + 2;
    for (let index = 0; index < VERSION.length; index += 1) {
      if (at + index === to) return this.#stop('more', from);
      if (bytes[at + index] !== VERSION[index]) return this.#refuseVersion(bytes, from, at, to);
    }
    if (end > to) {
      // A line that is too short for its version ends in these few bytes.
      return this.#refuse(bytes, from, at, to);
    }
    const minor = (bytes[at + VERSION_LENGTH - 1] as number) - 0x30;
    if ((minor !== 0 && minor !== 1) || bytes[end - 2] !== CR || bytes[end - 1] !== LF) {
      return this.#refuseVersion(bytes, from, at, to);
    }
    this.minor = minor;
    this.method = methodIn(bytes, from, methodEnd);
    if (isRefusedMethod(this.method)) return this.#fail('request_malformed', from);
    this.other = undefined;
    if (bytes[this.targetStart] !== SLASH) {
      this.other = readOtherTarget(this.method, bytes.toString('latin1', this.targetStart, this.targetEnd));
      if (this.other === undefined) return this.#fail('request_malformed', from);
    }
    return this.#stop('end', end);
  }

  /** 505 is for a version in the form of HTTP; anything else is no request line. */
  #refuseVersion(bytes: Buffer, from: number, at: number, to: number): number {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if (end < 0 || end + 2 > to) return this.#refuse(bytes, from, at, to);
    const isVersion =
      end - at === VERSION_LENGTH &&
      VERSION.compare(bytes, at, at + NUMBER_AT, 0, NUMBER_AT) === 0 &&
      isDigit(bytes[at + NUMBER_AT] as number) &&
      bytes[at + NUMBER_AT + 1] === VERSION[NUMBER_AT + 1] &&
      isDigit(bytes[end - 1] as number);
    return this.#fail(isVersion ? 'http_version_not_supported' : 'request_malformed', from);
  }

  /** A fault at this offset, if the line feed has come. */
  #refuse(bytes: Buffer, from: number, at: number, to: number): number {
    return hasLineFeed(bytes, at, to) ? this.#fail('request_malformed', from) : this.#stop('more', from);
  }

  #fail(fault: Reason, from: number): number {
    this.fault = fault;
    return this.#stop('fault', from);
  }

  #stop(step: RequestLine['step'], at: number): number {
    this.step = step;
    return at;
  }
}

function methodIn(bytes: Buffer, start: number, end: number): string {
  for (let at = 0; at < usualMethods.length; at += 1) {
    const method = usualMethods[at] as string;
    if (spellsMethod(bytes, start, end, method)) return method;
  }
  return bytes.toString('latin1', start, end);
}

/** Methods are case-sensitive (RFC 9110 §9.1). */
function spellsMethod(bytes: Buffer, start: number, end: number, method: string): boolean {
  const { length } = method;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[start + index] !== method.charCodeAt(index)) return false;
  }
  return true;
}
