/** Repeating them does no harm beyond what one request does (RFC 9110 §9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether a request may be sent again. */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return !hasBody && idempotent.has(method);
}

/**
 * Whether a repeatable request with this method may be before or behind others on one connection. Not HEAD: some servers
 * answer it with a body, which would be taken for the answer to the request behind it.
 */
export function maySharePlace(method: string): boolean {
  return method !== 'HEAD';
}
