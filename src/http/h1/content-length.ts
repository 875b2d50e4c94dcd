import { COMMA, isDigit, skipBlanks } from '../ascii.ts';

/** Digits of a Content-Length: 15 stay exact in a double, and no body is longer. */
const MAX_DIGITS = 15;

const oneNumber = new RegExp(`^\\d{1,${MAX_DIGITS}}$`);

/**
 * Whether the value of a request's Content-Length is one number (RFC 9110 §8.6). A list is refused in a request, even
 * one of equal numbers, because a client gains nothing by it and servers differ on it.
 */
export function isContentLength(value: string): boolean {
  return oneNumber.test(value);
}

export type ContentLengthFault = 'content_length' | 'two_lengths';

/** The Content-Length of one response, from all its fields. */
export class ContentLength {
  /** In bytes; -1 when absent. */
  value = -1;
  #digits = 0;

  reset(): void {
    this.value = -1;
  }

  /**
   * Takes in one field value, [start, end) of `bytes`. Equal numbers, in one list or in several fields, count as one
   * (RFC 9112 §6.3 rule 5), if they are spelled alike.
   */
  take(bytes: Uint8Array, start: number, end: number): ContentLengthFault | undefined {
    let at = start;
    for (;;) {
      const from = at;
      let length = 0;
      while (at < end && isDigit(bytes[at] as number)) {
        length = length * 10 + (bytes[at] as number) - 0x30;
        at += 1;
      }
      const digits = at - from;
      if (digits === 0 || digits > MAX_DIGITS) return 'content_length';
      if (this.value < 0) {
        this.value = length;
        this.#digits = digits;
      } else if (length !== this.value || digits !== this.#digits) return 'two_lengths';
      at = skipBlanks(bytes, at, end);
      if (at === end) return undefined;
      if (bytes[at] !== COMMA) return 'content_length';
      at = skipBlanks(bytes, at + 1, end);
    }
  }
}
