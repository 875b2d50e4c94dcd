import { isToken } from './token.ts';

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** 1 for each tchar (RFC 9110 §5.6.2), the bytes of field names and connection options; 0 for other bytes. */
export const tokenBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  isToken(String.fromCharCode(byte)) ? 1 : 0,
);

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** SP or HTAB: the optional white space between the parts of a field value (RFC 9110 §5.6.3). */
export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/** The offset of the first byte of [from, end) that is no blank; `end` without one. */
export function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(bytes[at] as number)) at += 1;
  return at;
}

/** HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5): the bytes of field values and reason phrases. */
export function isFieldByte(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f) || byte === 0x09;
}

/** The value of a hexadecimal digit, -1 for every other byte. */
export const hexValues: Int8Array = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = String.fromCharCode(byte);
  return /[0-9A-Fa-f]/.test(digit) ? Number.parseInt(digit, 16) : -1;
});

/**
 * Whether bytes [start, end) spell `lower` in any case. `lower` holds only lower-case letters and `-`, and the bytes
 * are field bytes: setting bit 5 maps no other field byte onto a letter or `-`.
 */
export function spells(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let index = 0; index < lower.length; index += 1) {
    if (((bytes[start + index] as number) | 0x20) !== lower.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether a latin1 string holds a character that is not ASCII. */
export function hasEightBit(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) >= 0x80) return true;
  return false;
}

/**
 * The text in [from, to) without the blanks around it. Only space and tab go: other characters that some languages trim
 * belong to the text.
 */
export function withoutBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
