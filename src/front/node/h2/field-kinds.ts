import { isH2Name, isH2Value, isOfConnection } from '../../../http/h2-fields.ts';

/** What a field of a request is to its reader. The number 0 is a fault. */
export const FAULTY = 0;
export const PLAIN = 1;
export const COOKIE = 2;
export const AUTHORIZATION = 3;
export const HOST = 4;
export const CONTENT_LENGTH = 5;
export const EXPECT = 6;
/** From here on: pseudo-header fields (RFC 9113 §8.3.1). */
export const METHOD = 7;
export const SCHEME = 8;
export const PATH = 9;
const AUTHORITY = 10;
/** Of an extended CONNECT (RFC 8441 §4). */
export const PROTOCOL = 11;

const kinds: ReadonlyMap<string, number> = new Map([
  [':method', METHOD],
  [':scheme', SCHEME],
  [':path', PATH],
  [':authority', AUTHORITY],
  [':protocol', PROTOCOL],
  ['cookie', COOKIE],
  ['authorization', AUTHORIZATION],
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['expect', EXPECT],
]);

/**
 * Judges a field of a request, or of its trailers, by RFC 9113 §8.2. The path and the authority have rules of their own,
 * which the reader of the head applies.
 * @param name one character for each byte, as `value`.
 */
export function kindOf(name: string, value: string): number {
  if (!isH2Value(value)) return FAULTY;
  const known = kinds.get(name);
  if (known !== undefined) return known;
  if (!isH2Name(name) || isOfConnection(name)) return FAULTY;
  return name === 'te' && value !== 'trailers' ? FAULTY : PLAIN;
}
