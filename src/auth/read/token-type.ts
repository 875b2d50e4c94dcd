/** The `typ` of a header in the spelling that is compared; undefined without one, '' when it is not a string. */
export type TokenType = string | undefined;

/** Brings a `typ` into the spelling that is compared (RFC 7515 §4.1.9): small letters, without `application/`. */
export function tokenType(typ: unknown): TokenType {
  if (typ === undefined) return undefined;
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\/(?=[^/]*$)/, '') : '';
}
