import { fieldsOf, type ResponseHead, withField } from '../http/message.ts';

/**
 * The head of a response to a request with the token in its URL. Shared caches spare responses to requests with
 * Authorization by themselves; for a token in the URL a field must tell them (RFC 6750 §2.3). Where upstream has sent
 * Cache-Control, that decides.
 */
export function privateResponse(head: ResponseHead): ResponseHead {
  const speaks = fieldsOf(head).some(([name]) => name.toLowerCase() === 'cache-control');
  return speaks ? head : withField(head, 'Cache-Control', 'private');
}
