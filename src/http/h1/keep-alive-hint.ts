import { COMMA, skipBlanks, spells, tokenBytes } from '../ascii.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
/** Digits of a number that are read: nine are thirty years in seconds, and a longer number makes no difference. */
const MAX_DIGITS = 9;

/**
 * The Keep-Alive fields of one message (RFC 2068 §19.7.1.1). Servers still obey them: a server that names a time closes
 * the connection when the time is over, even if a request is on its way. Unknown parts are ignored.
 */
export class KeepAliveHint {
  /** Seconds that the server keeps the connection without a request; Infinity when it names none. */
  seconds = Number.POSITIVE_INFINITY;
  /** Requests that the server takes after this one; Infinity when it names none. */
  requests = Number.POSITIVE_INFINITY;

  reset(): void {
    this.seconds = Number.POSITIVE_INFINITY;
    this.requests = Number.POSITIVE_INFINITY;
  }

  /** Takes in one field value, [start, end) of `bytes`. The smallest of several numbers counts. */
  take(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      at = skipBlanks(bytes, at, end);
      const from = at;
      while (at < end && tokenBytes[bytes[at] as number] === 1) at += 1;
      const to = at;
      at = skipBlanks(bytes, at, end);
      if (at < end && bytes[at] === EQUALS) {
        at = skipBlanks(bytes, at + 1, end);
        if (bytes[at] === QUOTE) at += 1;
        const value = numberAt(bytes, at, end);
        if (spells(bytes, from, to, 'timeout')) this.seconds = Math.min(this.seconds, value);
        else if (spells(bytes, from, to, 'max')) this.requests = Math.min(this.requests, value);
      }
      while (at < end && bytes[at] !== COMMA) at += 1;
      at += 1;
    }
  }
}

/** The whole number at this offset; Infinity when there is none. */
function numberAt(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  let at = from;
  while (at < end && at - from <= MAX_DIGITS) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    at += 1;
  }
  return at === from || at - from > MAX_DIGITS ? Number.POSITIVE_INFINITY : value;
}
