/** `typ` of a header as it is compared: undefined when absent, '' when it is no text, and so no type. */
export type TokenType = string | undefined;

/** A media type in the spelling in which two are compared (RFC 7515 §4.1.9): small letters, no `application/`. */
export function tokenType(typ: unknown): TokenType {
  if (typ === undefined) return undefined;
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\/(?=[^/]*$)/, '') : '';
}
