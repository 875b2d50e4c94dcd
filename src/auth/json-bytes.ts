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
const LOWER_E = 0x65;
const LOWER_U = 0x75;
/** What makes a small letter of a capital one in ASCII. */
const LOWER = 0x20;

/** Characters that may follow a backslash by themselves (RFC 8259 §7). */
const escapable = new Uint8Array(256);
for (const character of '"\\/bfnrt') escapable[character.charCodeAt(0)] = 1;
const literals = ['true', 'false', 'null'].map((word) => Buffer.from(word, 'latin1'));

/** Where the white space that begins at `at`, if any, has ended. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end) {
    const byte = bytes[next] as number;
    if (byte > SPACE || !(byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB)) break;
    next += 1;
  }
  return next;
}

/** Behind the quote that ends the string whose text begins at `at`; -1 when it is no string of JSON. */
export function endOfString(bytes: Uint8Array, at: number, end: number): number {
  for (let next = at; next < end; next += 1) {
    const byte = bytes[next] as number;
    if (byte === QUOTE) return next + 1;
    if (byte < SPACE) return -1;
    if (byte !== BACKSLASH) continue;
    next += 1;
    if (next >= end) return -1;
    const escaped = bytes[next] as number;
    if (escaped === LOWER_U) {
      if (codeUnit(bytes, next + 1, end) < 0) return -1;
      next += 4;
    } else if (escapable[escaped] === 0) return -1;
  }
  return -1;
}

/** Behind the number that begins at `at` (RFC 8259 §6); -1 when it is none. */
export function endOfNumber(bytes: Uint8Array, at: number, end: number): number {
  let next = bytes[at] === MINUS ? at + 1 : at;
  if (next < end && bytes[next] === ZERO) next += 1;
  else next = digits(bytes, next, end);
  if (next < 0) return -1;
  if (next < end && bytes[next] === POINT) next = digits(bytes, next + 1, end);
  if (next < 0 || next >= end || ((bytes[next] as number) | LOWER) !== LOWER_E) return next;
  const sign = bytes[next + 1];
  return digits(bytes, sign === PLUS || sign === MINUS ? next + 2 : next + 1, end);
}

/** Behind `true`, `false` or `null` if one of them begins at `at`; -1 otherwise. */
export function isLiteral(bytes: Uint8Array, at: number, end: number): number {
  for (const word of literals) {
    if (isAt(bytes, at, end, word)) return at + word.length;
  }
  return -1;
}

/** Whether the text of a string, between its quotes and with any escapes, is this word of ASCII. */
export function spells(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  let at = start;
  for (let index = 0; index < word.length; index += 1) {
    if (at >= end) return false;
    let unit = bytes[at] as number;
    at += 1;
    if (unit === BACKSLASH && bytes[at] === LOWER_U) {
      unit = codeUnit(bytes, at + 1, end);
      at += 5;
    }
    // The escapes of one character stand for none that is in a word.
    if (unit !== word[index]) return false;
  }
  return at === end;
}

function isAt(bytes: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (at + word.length > end) return false;
  for (let index = 0; index < word.length; index += 1) if (bytes[at + index] !== word[index]) return false;
  return true;
}

/** Behind one digit or more; -1 without. */
function digits(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && (bytes[next] as number) >= ZERO && (bytes[next] as number) <= NINE) next += 1;
  return next === at ? -1 : next;
}

/** The number that four hexadecimal digits at `at` stand for; -1 when they are none. */
function codeUnit(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  let unit = 0;
  for (let next = at; next < at + 4; next += 1) {
    const digit = hexDigit(bytes[next] as number);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = (byte | LOWER) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}
