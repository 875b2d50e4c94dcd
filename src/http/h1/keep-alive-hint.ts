import { COMMA, skipBlanks, spells, tokenBytes } from '../ascii.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
/** Digits of a number that are read: nine are thirty years in seconds, and more means the same here. */
const MAX_DIGITS = 9;

/**
 * What the Keep-Alive fields of one message say about its connection. RFC 2068 §19.7.1.1 has the field, and servers
 * still mean it: one that names a time closes when it is over, even with a request on its way. What is not
 * understood says nothing.
 */
export class KeepAliveHint {
  /** Seconds that the server keeps the connection without a request; Infinity: it does not say. */
  seconds = Number.POSITIVE_INFINITY;
  /** Requests that the server takes behind this one; Infinity: it does not say. */
  requests = Number.POSITIVE_INFINITY;

  reset(): void {
    this.seconds = Number.POSITIVE_INFINITY;
    this.requests = Number.POSITIVE_INFINITY;
  }

  /** Takes in one field value, [start, end) of `bytes`. Of several numbers the smallest counts. */
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

/** The whole number that begins here; Infinity when none does. */
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
