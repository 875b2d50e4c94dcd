import type { ClaimForm } from '../../config/config.ts';

/** Characters of one claim's value in a header. Servers commonly accept 8 KiB for a whole line. */
const MAX_VALUE = 4 * 1024;

/**
 * Writes a claim as the value of a header: visible ASCII on one line, from which the claim can be read back. Undefined
 * when the claim cannot be written truthfully in this form, or is too long. The claim is neither absent nor null.
 *
 * - `auto`: strings, numbers and booleans as `string`, arrays of these as `csv`, everything else as JSON
 * - `string`: a string, a number or a boolean
 * - `csv`: an array of these joined by `,`, or one of these as a list of one
 * - `json`: JSON of anything, with `\u` escapes for characters beyond visible ASCII
 * - `base64url`: of the UTF-8 bytes of a string, or of the JSON of anything else
 *
 * Values of the first three have these characters percent-encoded as UTF-8: all but visible ASCII and inner spaces, a
 * space at either end, `%`, and `,` inside an element of a list. No value can then end the header, hide a space or look
 * like another value.
 */
export function claimValue(claim: unknown, form: ClaimForm): string | undefined {
  const value = isExact(claim) ? write(claim, form) : undefined;
  return value === undefined || value.length > MAX_VALUE ? undefined : value;
}

/**
 * Whether every number in a claim is the one that was signed. Beyond the safe integers the parser has rounded: two user
 * ids would become one, and 1e400 is Infinity.
 */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isExact);
}

function write(claim: unknown, form: ClaimForm): string | undefined {
  switch (form) {
    case 'auto':
      return writeAuto(claim);
    case 'string': {
      const text = scalarText(claim);
      return text === undefined ? undefined : percentEncoded(text, false);
    }
    case 'csv':
      return writeList(Array.isArray(claim) ? claim : [claim]);
    case 'json':
      return asciiJson(claim);
    case 'base64url': {
      const text = typeof claim === 'string' ? claim : JSON.stringify(claim);
      return isWhole(JSON.stringify(claim)) && text.length <= MAX_VALUE
        ? Buffer.from(text).toString('base64url')
        : undefined;
    }
  }
}

function writeAuto(claim: unknown): string | undefined {
  // JSON keeps the shape of an array that holds other things.
  if (Array.isArray(claim) && claim.every((item) => scalarText(item) !== undefined)) return writeList(claim);
  const text = scalarText(claim);
  if (text !== undefined) return percentEncoded(text, false);
  const json = JSON.stringify(claim);
  return json.length <= MAX_VALUE && isWhole(json) ? percentEncoded(json, false) : undefined;
}

function writeList(items: readonly unknown[]): string | undefined {
  const elements: string[] = [];
  for (const item of items) {
    const text = scalarText(item);
    const element = text === undefined ? undefined : percentEncoded(text, true);
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements.join(',');
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** JSON in visible ASCII. Other characters stand only in strings, where an escape means the same. */
function asciiJson(claim: unknown): string | undefined {
  const json = JSON.stringify(claim);
  if (json.length > MAX_VALUE || !isWhole(json)) return undefined;
  return json.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Whether a JSON text holds no half of a surrogate pair. Parsers replace halves: two claims would have one value. */
function isWhole(json: string): boolean {
  // Escapes are matched one by one: an escaped backslash before `ud800` is not the escape of a half.
  const escapes: readonly string[] = json.match(/\\(?:ud|.)/g) ?? [];
  return !escapes.includes('\\ud');
}

function percentEncoded(text: string, inList: boolean): string | undefined {
  if (text.length > MAX_VALUE) return undefined;
  if (isPlain(text, inList)) return text;
  let encoded = '';
  let at = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    // Half a surrogate pair has no UTF-8. Replacing it would give two identities one name.
    if (code >= 0xd800 && code <= 0xdfff) return undefined;
    const edge = at === 0 || at === text.length - 1;
    encoded += keeps(code, edge, inList) ? character : encodeURIComponent(character);
    at += character.length;
  }
  return encoded;
}

function isPlain(text: string, inList: boolean): boolean {
  const last = text.length - 1;
  for (let at = 0; at <= last; at += 1) {
    if (!keeps(text.charCodeAt(at), at === 0 || at === last, inList)) return false;
  }
  return true;
}

function keeps(code: number, edge: boolean, inList: boolean): boolean {
  if (code < 0x20 || code > 0x7e || code === 0x25) return false;
  if (code === 0x20) return !edge;
  return !(inList && code === 0x2c);
}
