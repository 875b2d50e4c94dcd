/** Two requests with these methods do no more harm than one (RFC 9110 §9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether a request may be sent again. */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return !hasBody && idempotent.has(method);
}

/**
 * Whether a repeatable request with this method may share a connection with others. HEAD may not: some servers send a
 * body in response to HEAD, and that body would be taken for the response to the next request.
 */
export function mayShareConnection(method: string): boolean {
  return method !== 'HEAD';
}
