/** Colon, space and CRLF of a field line. Other white space around a value is not counted. */
const FIELD_LINE_BYTES = 4;
/** Two spaces, `HTTP/1.1` and CRLF. */
const REQUEST_LINE_BYTES = 12;
/** The empty line after the fields. */
const EMPTY_LINE_BYTES = 2;

/** Bytes of a field line, if all its characters are ASCII. */
export function fieldLineBytes(name: string, value: string): number {
  return name.length + value.length + FIELD_LINE_BYTES;
}

/**
 * Bytes of a request head (RFC 9112 §2.1), if all its characters are ASCII.
 * @param query without `?`; undefined when there was no `?`.
 * @param fieldBytes the sum of `fieldLineBytes`.
 */
export function requestHeadBytes(
  method: string,
  path: string,
  query: string | undefined,
  fieldBytes: number,
): number {
  const target = path.length + (query === undefined ? 0 : 1 + query.length);
  return method.length + target + REQUEST_LINE_BYTES + fieldBytes + EMPTY_LINE_BYTES;
}
