import { isBlank } from './ascii.ts';
import { isToken } from './token.ts';

/** Fields of a connection, which has no place in HTTP/2 (RFC 9113 §8.2.2). */
const ofConnections: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const upperCase = /[A-Z]/;
/** RFC 9110 §5.5 allows no control characters but HTAB. */
const badInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** Whether a field, by its name in lower case, is one of the connection, which no message of HTTP/2 may hold. */
export function isOfConnection(name: string): boolean {
  return ofConnections.has(name);
}

/** Whether it is the name of a field, but no pseudo-header field, in HTTP/2 (RFC 9113 §8.2.1). */
export function isH2Name(name: string): boolean {
  return isToken(name) && !upperCase.test(name);
}

/** Whether a field may have this value in HTTP/2 (RFC 9113 §8.2.1). @param value one character for each byte. */
export function isH2Value(value: string): boolean {
  return (
    !badInValue.test(value) && !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1))
  );
}
