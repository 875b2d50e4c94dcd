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
/** Bytes that are looked at one by one before it is done by fours again. */
const NEAR = 8;
/** The same byte four times over. */
const ONES = 0x01010101;
const SPACES = SPACE * ONES;
const QUOTES = QUOTE * ONES;
const BACKSLASHES = BACKSLASH * ONES;
const ZEROS = ZERO * ONES;
const SIXES = 0x76 * ONES;
const HIGHEST = 0x80808080 | 0;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
/** What makes a small letter of a capital one in ASCII. */
const LOWER = 0x20;

/** RFC 8259 §2. */
const spaces = new Uint8Array(256);
for (const byte of [SPACE, TAB, LINE_FEED, RETURN]) spaces[byte] = 1;
/** Characters that may follow a backslash by themselves (RFC 8259 §7). */
const escapable = new Uint8Array(256);
for (const character of '"\\/bfnrt') escapable[character.charCodeAt(0)] = 1;
const [TRUE, FALS, NULL] = ['true', 'fals', 'null'].map((word) => Buffer.from(word, 'latin1').readInt32LE());

/** Where the white space that begins at `at`, if any, has ended. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && spaces[bytes[next] as number] === 1) next += 1;
  return next;
}

let seen: Uint8Array | undefined;
let seenView = new DataView(new ArrayBuffer(0)) as DataView;

/** A view of the bytes; they are mostly those of the last time, the working memory of tokens. */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== seen) {
    seen = bytes;
    seenView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return seenView;
}

/** What was found beside its end in the string that `endOfString` has read last. */
export const texts = { isEscaped: false };

/** Behind the quote that ends the string whose text begins at `at`; -1 when it is no string of JSON. */
export function endOfString(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  texts.isEscaped = false;
  for (let next = at; ; ) {
    next = skipPlain(view, next, end);
    // One at a time: behind an escape there is often another.
    for (let near = next + NEAR; next < near; ) {
      if (next >= end) return -1;
      const byte = bytes[next] as number;
      next += 1;
      if (byte === QUOTE) return next;
      if (byte < SPACE) return -1;
      if (byte !== BACKSLASH) continue;
      texts.isEscaped = true;
      if (next >= end) return -1;
      const escaped = bytes[next] as number;
      next += 1;
      if (escaped === LOWER_U) {
        if (next + 4 > end || !isHex(bytes, next)) return -1;
        next += 4;
      } else {
        if (escapable[escaped] !== 1) return -1;
        // A text of nothing else, which a stranger may send, takes half the time so.
        while (next + 1 < end && bytes[next] === BACKSLASH && escapable[bytes[next + 1] as number] === 1) {
          next += 2;
        }
      }
      near = next + NEAR;
    }
  }
}

/**
 * The first quote, backslash or control character from `at`, or one of the last three bytes. Looks at four bytes at a
 * time: of a text of 12 KiB, which a stranger may send, that takes a third.
 */
export function skipPlain(view: DataView, at: number, end: number): number {
  const last = end - 4;
  for (let next = at; next <= last; next += 4) {
    const marks = endings(view.getInt32(next, true));
    if (marks !== 0) return next + lowest(marks);
  }
  return at > last ? at : at + ((last - at + 4) & ~3);
}

/** The highest bit of each of four bytes, first at the bottom, that is a quote, a backslash or a control character. */
function endings(four: number): number {
  // Less 0x20, or less 1, a byte below that, or a zero, borrows into its highest bit; one that had it set is another.
  const quotes = (four ^ QUOTES) - ONES;
  const backslashes = (four ^ BACKSLASHES) - ONES;
  return ((four - SPACES) | quotes | backslashes) & ~four & HIGHEST;
}

/** Behind the number that begins at `at` (RFC 8259 §6); -1 when it is none. */
export function endOfNumber(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  const begin = bytes[at] === MINUS ? at + 1 : at;
  const next = begin < end && bytes[begin] === ZERO ? begin + 1 : skipDigits(bytes, view, begin, end);
  if (next === begin) return -1;
  if (next >= end) return next;
  const byte = bytes[next] as number;
  return byte === POINT || (byte | LOWER) === LOWER_E ? endOfFraction(bytes, view, next, end) : next;
}

/** Behind a fraction, an exponent or both, which begin at `at`; -1 when they are none. */
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

/** Behind `true`, `false` or `null` if one of them begins at `at`; -1 otherwise. `view`: of the same bytes. */
export function endOfLiteral(view: DataView, at: number, end: number): number {
  const behind = at + 4;
  if (behind > end) return -1;
  const word = view.getInt32(at, true);
  if (word === TRUE || word === NULL) return behind;
  return word === FALS && behind < end && view.getUint8(behind) === LOWER_E ? behind + 1 : -1;
}

/** Where the digits that begin at `at`, if any, have ended. */
function skipDigits(bytes: Uint8Array, view: DataView, at: number, end: number): number {
  let next = at;
  for (const last = end - 4; next <= last; next += 4) {
    const others = notDigits(view.getInt32(next, true));
    if (others !== 0) return next + lowest(others);
  }
  while (next < end && (bytes[next] as number) >= ZERO && (bytes[next] as number) <= NINE) next += 1;
  return next;
}

/** As `endings`, of each byte that is no digit. */
function notDigits(four: number): number {
  // The digits have become 0 to 9. To add 0x76 sets the highest bit of larger values alone.
  const values = four ^ ZEROS;
  return ((values + SIXES) | values) & HIGHEST;
}

/** Which of four bytes is marked first. That one is right, those above it may be wrong. */
function lowest(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

/** The number that four hexadecimal digits at `at` stand for; below zero when they are none. */
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
