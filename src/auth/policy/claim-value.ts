import type { ClaimForm } from '../../config/config.ts';

/** Characters of one claim's value in a header; upstream servers commonly accept 8 KiB for a whole line. */
const MAX_VALUE = 4 * 1024;

/**
 * A claim, which is neither absent nor null, as the value of a header: visible ASCII on one line, from which the claim
 * can be read back. Undefined when it cannot be written truthfully in this form, or is too long.
 *
 * - `auto`: text as it is, numbers and booleans as text, arrays of these as `csv`, everything else as JSON
 * - `string`: text, a number or a boolean; nothing else
 * - `csv`: an array of these joined by `,`, or one of these as a list of one; nothing else
 * - `json`: JSON of anything, with `\u` escapes for what is not visible ASCII
 * - `base64url`: of the UTF-8 bytes of a text, or of the JSON of anything else
 *
 * So that no value of the first three can end the header, hide a space or look like another value, these characters
 * are percent-encoded as UTF-8: all that is not visible ASCII or an inner space, a space at either end, `%` itself,
 * and `,` inside an element of a list.
 */
export function claimValue(claim: unknown, form: ClaimForm): string | undefined {
  const value = isExact(claim) ? write(claim, form) : undefined;
  return value === undefined || value.length > MAX_VALUE ? undefined : value;
}

/**
 * Whether all numbers in a claim are those that were signed: beyond these bounds reading has rounded them, so that two
 * user ids would have one name, and 1e400 has become Infinity.
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
  // An array that is no plain list keeps its shape in JSON.
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

/** Controls are escaped in any JSON; DEL and what is beyond ASCII stand in strings only, where an escape is the same. */
function asciiJson(claim: unknown): string | undefined {
  const json = JSON.stringify(claim);
  if (json.length > MAX_VALUE || !isWhole(json)) return undefined;
  return json.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Whether a JSON text writes no half of a surrogate pair: readers replace it, which gives two claims one value. */
function isWhole(json: string): boolean {
  // Escapes are taken one by one, so that an escaped backslash before `ud800` is not mistaken for one.
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
    // Half a surrogate pair has no UTF-8; replacing it would give two identities one name.
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
