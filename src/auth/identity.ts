import { type JsonObject, member } from './strict-json.ts';

/** Bytes of one identity header's value; upstream servers commonly accept 8 KiB for a whole line. */
const MAX_VALUE = 4 * 1024;

interface Mapping {
  readonly header: string;
  readonly claim: string;
  /** The claim's path cut at its dots. */
  readonly path: readonly string[];
}

/**
 * Turns claims into the header block that tells upstream who is asking.
 *
 * A claim is found under its literal name first (`https://example.com/roles`), else its dots reach into objects;
 * only own members count. Absent and null claims send no header. Strings are sent as they are, numbers and
 * booleans as text, arrays of these joined by `,`, everything else as JSON. So that no value can end the header,
 * hide a space or look like another value, these characters are percent-encoded as UTF-8: whatever is not visible
 * ASCII or an inner space, a space at either end, `%` itself, and `,` inside an element of an array.
 */
export class IdentityHeaders {
  readonly #mappings: readonly Mapping[];

  constructor(headers: ReadonlyMap<string, string>) {
    this.#mappings = [...headers].map(([header, claim]) => ({ header, claim, path: claim.split('.') }));
  }

  get empty(): boolean {
    return this.#mappings.length === 0;
  }

  /** `Name: value\r\n` for each mapping; undefined when a value is too long or cannot be written truthfully. */
  render(claims: JsonObject): string | undefined {
    let block = '';
    for (const mapping of this.#mappings) {
      const claim = find(claims, mapping);
      if (claim === undefined || claim === null) continue;
      const value = write(claim);
      if (value === undefined || value.length > MAX_VALUE) return undefined;
      block += `${mapping.header}: ${value}\r\n`;
    }
    return block;
  }
}

function find(claims: JsonObject, { claim, path }: Mapping): unknown {
  if (Object.hasOwn(claims, claim)) return claims[claim];
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = member(value as JsonObject, name);
  }
  return value;
}

function write(claim: unknown): string | undefined {
  if (Array.isArray(claim)) {
    const elements: string[] = [];
    for (const item of claim) {
      const text = scalarText(item);
      // Not a plain list: JSON keeps its shape.
      if (text === undefined) return encode(JSON.stringify(claim), false);
      const element = encode(text, true);
      if (element === undefined) return undefined;
      elements.push(element);
    }
    return elements.join(',');
  }
  return encode(scalarText(claim) ?? JSON.stringify(claim), false);
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function encode(text: string, inList: boolean): string | undefined {
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
