/** Escapes of ASCII, which alone can hide a name that is made of it; .NET decodes the form with `u` too. */
const asciiEscape = /%(?:u00)?([0-7][0-9a-f])/gi;
/** PHP makes `_` of these, of a bracket where it stays open. */
const marks = /[.+ [\]]/g;

/**
 * A name of cookies or query parameters, to be found in every spelling that some server takes for it: escapes are
 * decoded, once; case does not count (.NET); it ends at NUL (PHP); what is not visible ASCII goes at both ends (PHP,
 * Python); `.`, blanks and `[` are `_` (PHP); `name[]`, `name[key]` and `[name]` are lists or mappings (PHP, Rack, qs).
 */
export class LooseName {
  readonly #plain: string;

  constructor(name: string) {
    this.#plain = plain(name).replace(marks, '_');
  }

  /** Whether a name as sent could be this one to some server. */
  is(sent: string): boolean {
    // No spelling is shorter.
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

/** Not by an expression: one for the end would try every blank of a long run anew. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && !isVisible(text.charCodeAt(start))) start += 1;
  while (end > start && !isVisible(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** `+` is a blank of a query. */
function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 0x2b;
}

/** What stands before the first bracket, or between it and the next. */
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
