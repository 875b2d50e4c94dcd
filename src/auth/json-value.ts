const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether the value that begins at `start` is a string; -1 stands for a member that is absent. */
export function isString(bytes: Uint8Array, start: number): boolean {
  return start >= 0 && bytes[start] === QUOTE;
}

/** The text of the string whose value stands from `start`, its quote, to `end`. The bytes have been outlined. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  if (!hasEscapes(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1);
  return JSON.parse(bytes.toString('utf8', start, end)) as string;
}

/** Behind the string of an outlined text whose quote stands at `start`; the same below zero when it holds escapes. */
export function endOfOutlined(bytes: Uint8Array, start: number): number {
  let sign = 1;
  for (let at = start + 1; ; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return sign * (at + 1);
    if (byte !== BACKSLASH) continue;
    sign = -1;
    at += 1;
  }
}

export function hasEscapes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === BACKSLASH) return true;
  return false;
}

/** Whether the bytes between are these. */
export function isSameText(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) if (bytes[start + at] !== text[at]) return false;
  return true;
}
