/** Escapes of ASCII; others cannot hide an ASCII name. .NET decodes the form with `u` too. */
const asciiEscape = /%(?:u00)?([0-7][0-9a-f])/gi;
/** PHP replaces these with `_`, a bracket only if it stays open. */
const marks = /[.+ [\]]/g;

/**
 * A name of cookies or query parameters in every spelling that some server takes for it. Servers decode escapes once;
 * ignore case (.NET); end the name at NUL (PHP); trim everything but visible ASCII (PHP, Python); read `.`, blanks and
 * `[` as `_` (PHP); and read `name[]`, `name[key]` and `[name]` as lists or mappings (PHP, Rack, qs).
 */
export class LooseName {
  readonly #plain: string;

  constructor(name: string) {
    this.#plain = plain(name).replace(marks, '_');
  }

  /** Whether some server could take a name as sent for this one. */
  is(sent: string): boolean {
    // No spelling is shorter than the name.
    if (sent.length < this.#plain.length) return false;
    const spelled = plain(sent);
    if (spelled === this.#plain) return true;
    if (spelled.search(marks) < 0) return false;
    return spelled.replace(marks, '_') === this.#plain || listOf(spelled) === this.#plain;
  }
}

function plain(name: string): string {
  const decoded = name.includes('%') ? name.replace(asciiEscape, fromHex) : name;
  const nul = decoded.indexOf('\0');
  return trimmed(nul < 0 ? decoded : decoded.slice(0, nul)).toLowerCase();
}

function fromHex(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

/** Uses no regular expression: with a `$` at its end it would try each blank of a long run again. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && !isVisible(text.charCodeAt(start))) start += 1;
  while (end > start && !isVisible(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** In a query `+` is a blank. */
function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 0x2b;
}

/** The text before the first bracket, or between leading brackets and the next one. */
function listOf(name: string): string {
  let start = 0;
  while (isBracket(name.charCodeAt(start))) start += 1;
  let end = start;
  while (end < name.length && !isBracket(name.charCodeAt(end))) end += 1;
  return name.slice(start, end).replace(marks, '_');
}

function isBracket(code: number): boolean {
  return code === 0x5b || code === 0x5d;
}
