import { hexValues } from '../../http/ascii.ts';

const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
/** Bytes that are read one by one before four are read at a time again. */
const NEAR = 8;
/** Repeats a byte in each of four bytes, by multiplication. */
const ONES = 0x01010101;
const SPACES = SPACE * ONES;
const QUOTES = QUOTE * ONES;
const BACKSLASHES = BACKSLASH * ONES;
const ZEROS = ZERO * ONES;
const SIXES = 0x76 * ONES;
const HIGHEST = 0x80808080 | 0;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
/** The bit that turns a capital letter of ASCII into a small one. */
const LOWER = 0x20;

/** RFC 8259 §2. */
const spaces = new Uint8Array(256);
for (const byte of [SPACE, TAB, LINE_FEED, RETURN]) spaces[byte] = 1;
/** The characters of two-character escapes (RFC 8259 §7). */
const escapable = new Uint8Array(256);
for (const character of '"\\/bfnrt') escapable[character.charCodeAt(0)] = 1;
const [TRUE, FALS, NULL] = ['true', 'fals', 'null'].map((word) => Buffer.from(word, 'latin1').readInt32LE());

/** The end of the white space at `at`; `at` itself without any. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && spaces[bytes[next] as number] === 1) next += 1;
  return next;
}

let viewed: Uint8Array | undefined;
let lastView = new DataView(new ArrayBuffer(0)) as DataView;

/** A view of the bytes. The last one is kept: the bytes are nearly always those of the token buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastView;
}

/** The string that `endOfString` has read last: whether it holds escapes. */
export const lastString = { isEscaped: false };

/** The end of the string whose text begins at `at`, after its last quote; -1 when it is not a string of JSON. */
export function endOfString(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  lastString.isEscaped = false;
  for (let next = at; ; ) {
    next = skipPlain(view, next, end);
    // One byte at a time: another escape often follows an escape.
    for (let near = next + NEAR; next < near; ) {
      if (next >= end) return -1;
      const byte = bytes[next] as number;
      next += 1;
      if (byte === QUOTE) return next;
      if (byte < SPACE) return -1;
      if (byte !== BACKSLASH) continue;
      lastString.isEscaped = true;
      if (next >= end) return -1;
      const escaped = bytes[next] as number;
      next += 1;
      if (escaped === LOWER_U) {
        if (next + 4 > end || !isHex(bytes, next)) return -1;
        next += 4;
      } else {
        if (escapable[escaped] !== 1) return -1;
        // An attacker may send a string of only escapes. This loop halves the time for it.
        while (next + 1 < end && bytes[next] === BACKSLASH && escapable[bytes[next + 1] as number] === 1) {
          next += 2;
        }
      }
      near = next + NEAR;
    }
  }
}

/**
 * The first quote, backslash or control character from `at`, or one of the last three bytes. Reads four bytes at a
 * time: a string of 12 KiB, which an attacker may send, takes a third of the time.
 */
export function skipPlain(view: DataView, at: number, end: number): number {
  const last = end - 4;
  for (let next = at; next <= last; next += 4) {
    const marks = endings(view.getInt32(next, true));
    if (marks !== 0) return next + lowest(marks);
  }
  return at > last ? at : at + ((last - at + 4) & ~3);
}

/** Marks, by its highest bit, each of four bytes that is a quote, a backslash or a control character. */
function endings(four: number): number {
  // Minus 0x20, a byte below 0x20 borrows into its highest bit; minus 1, so does a zero. Bytes with that bit set do not
  // count.
  const quotes = (four ^ QUOTES) - ONES;
  const backslashes = (four ^ BACKSLASHES) - ONES;
  return ((four - SPACES) | quotes | backslashes) & ~four & HIGHEST;
}

/** The end of the number at `at` (RFC 8259 §6); -1 when it is not a number. */
export function endOfNumber(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  const begin = bytes[at] === MINUS ? at + 1 : at;
  const next = begin < end && bytes[begin] === ZERO ? begin + 1 : skipDigits(bytes, view, begin, end);
  if (next === begin) return -1;
  if (next >= end) return next;
  const byte = bytes[next] as number;
  return byte === POINT || (byte | LOWER) === LOWER_E ? endOfFraction(bytes, view, next, end) : next;
}

/** The end of the fraction, the exponent or both at `at`; -1 when they are malformed. */
function endOfFraction(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  let next = at;
  if (bytes[at] === POINT) {
    next = skipDigits(bytes, view, at + 1, end);
    if (next === at + 1) return -1;
  }
  if (next >= end || ((bytes[next] as number) | LOWER) !== LOWER_E) return next;
  const sign = bytes[next + 1];
  const exponent = sign === PLUS || sign === MINUS ? next + 2 : next + 1;
  next = skipDigits(bytes, view, exponent, end);
  return next === exponent ? -1 : next;
}

/** The end of `true`, `false` or `null` at `at`; -1 when there is none of them. */
export function endOfLiteral(view: DataView, at: number, end: number): number {
  const behind = at + 4;
  if (behind > end) return -1;
  const word = view.getInt32(at, true);
  if (word === TRUE || word === NULL) return behind;
  return word === FALS && behind < end && view.getUint8(behind) === LOWER_E ? behind + 1 : -1;
}

/** The end of the digits at `at`; `at` itself without any. */
function skipDigits(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  let next = at;
  for (const last = end - 4; next <= last; next += 4) {
    const others = notDigits(view.getInt32(next, true));
    if (others !== 0) return next + lowest(others);
  }
  while (next < end && (bytes[next] as number) >= ZERO && (bytes[next] as number) <= NINE) next += 1;
  return next;
}

/** Marks, as `endings` does, each of four bytes that is not a digit. */
function notDigits(four: number): number {
  // Digits become 0 to 9. Adding 0x76 sets the highest bit of every larger value, and of no digit.
  const values = four ^ ZEROS;
  return ((values + SIXES) | values) & HIGHEST;
}

/** The place of the first marked byte of four. Later marks may be wrong: a borrow or carry may have set them. */
function lowest(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

/** The value of the four hexadecimal digits at `at`; negative when one is not a digit. */
export function codeUnit(bytes: Uint8Array, at: number): number {
  return (
    (hexValue(bytes, at) << 12) |
    (hexValue(bytes, at + 1) << 8) |
    (hexValue(bytes, at + 2) << 4) |
    hexValue(bytes, at + 3)
  );
}

function isHex(bytes: Uint8Array, at: number): boolean {
  return (
    (hexValue(bytes, at) | hexValue(bytes, at + 1) | hexValue(bytes, at + 2) | hexValue(bytes, at + 3)) >= 0
  );
}

function hexValue(bytes: Uint8Array, at: number): number {
  return hexValues[bytes[at] as number] as number;
}
