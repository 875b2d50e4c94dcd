import { skipPlain, viewOf } from './json-bytes.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether the value that begins at `start` is a string. -1 stands for an absent member. */
export function isString(bytes: Uint8Array, start: number): boolean {
  return start >= 0 && bytes[start] === QUOTE;
}

/** The text of an outlined string. `start`: of its first quote; `end`: after its last. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  if (!hasEscapes(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1);
  return JSON.parse(bytes.toString('utf8', start, end)) as string;
}

/**
 * The end of an outlined string, after its last quote. Negative when the string holds escapes.
 * @param start of its first quote.
 * @param end of the whole text.
 */
export function endOfOutlined(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let sign = 1;
  for (let at = start + 1; ; ) {
    at = skipPlain(view, at, end);
    const byte = bytes[at];
    at += 1;
    if (byte === QUOTE) return sign * at;
    if (byte !== BACKSLASH) continue;
    sign = -1;
    at += 1;
  }
}

/** Whether an outlined string holds escapes. `start`: of its first quote; `end`: after its last. */
export function hasEscapes(bytes: Uint8Array, start: number, end: number): boolean {
  let at = skipPlain(viewOf(bytes), start + 1, end);
  while (bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1;
  return bytes[at] === BACKSLASH;
}

/** Whether the bytes from `start` are those of `text`. The view must hold as many. */
export function isSameText(view: DataView, start: number, text: DataView): boolean {
  const length = text.byteLength;
  let at = 0;
  for (; at + 4 <= length; at += 4) if (view.getInt32(start + at) !== text.getInt32(at)) return false;
  for (; at < length; at += 1) if (view.getUint8(start + at) !== text.getUint8(at)) return false;
  return true;
}
