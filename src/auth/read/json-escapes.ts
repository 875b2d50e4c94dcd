import { codeUnit } from './json-bytes.ts';

/** Bytes of the longest escape of one UTF-16 unit (RFC 8259 §7): `\u0000`. */
export const ESCAPE_BYTES = 6;

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
/** UTF-16: the bits that mark a unit as half of a character, and their values for the first and the second half. */
const SURROGATES = 0xfc00;
const HIGH = 0xd800;
const LOW = 0xdc00;
const REPLACEMENT = 0xfffd;
/** The first byte of a character in UTF-8, by the number of bytes that follow it. */
const LEADING = [0, 0xc0, 0xe0, 0xf0];
/** The character that an escape means, by the character after the backslash (RFC 8259 §7). */
const plainOf = new Uint8Array(128);
for (const [at, letter] of [...'"\\/bfnrt'].entries()) {
  plainOf[letter.charCodeAt(0)] = '"\\/\b\f\n\r\t'.charCodeAt(at);
}

/**
 * Writes the text of an outlined string to `out`, with its escapes resolved.
 * @param out has room for `end - start` bytes.
 * @returns the number of bytes written.
 */
export function writeUnescaped(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let length = 0;
  for (let at = start; at < end; ) {
    const byte = bytes[at] as number;
    at += 1;
    if (byte !== BACKSLASH) {
      out[length] = byte;
      length += 1;
      continue;
    }
    const escaped = bytes[at] as number;
    at += 1;
    if (escaped !== LOWER_U) {
      out[length] = plainOf[escaped] as number;
      length += 1;
      continue;
    }
    let point = codeUnit(bytes, at);
    at += 4;
    if ((point & SURROGATES) === HIGH && bytes[at] === BACKSLASH && bytes[at + 1] === LOWER_U) {
      const low = codeUnit(bytes, at + 2);
      if ((low & SURROGATES) === LOW) {
        point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
        at += 6;
      }
    }
    length = writePoint(point, out, length);
  }
  return length;
}

/** Writes a character in UTF-8 (RFC 3629 §3), and half of a character as U+FFFD. @returns where it ends. */
function writePoint(point: number, out: Uint8Array, at: number): number {
  if (point < 0x80) {
    out[at] = point;
    return at + 1;
  }
  if (point >= 0xd800 && point < 0xe000) return writePoint(REPLACEMENT, out, at);
  const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  out[at] = (LEADING[more] as number) | (point >> (6 * more));
  for (let left = 1; left <= more; left += 1) out[at + left] = 0x80 | ((point >> (6 * (more - left))) & 0x3f);
  return at + 1 + more;
}
