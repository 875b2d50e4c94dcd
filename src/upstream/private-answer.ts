import type { ResponseHead } from './response-head.ts';

const cacheControl = /^cache-control:/im;

/**
 * The head of an answer to a request whose URL had the token in it: unless upstream has spoken of caches, shared ones
 * are told to leave it alone (RFC 6750 §2.3), which they do by themselves only for Authorization.
 */
export function privateAnswer(head: ResponseHead): ResponseHead {
  const { firstName, rest } = head;
  if (firstName === '') return { ...head, firstName: 'Cache-Control', rest: 'private' };
  if (cacheControl.test(`${firstName}: ${rest}`)) return head;
  return { ...head, rest: `${rest}\r\nCache-Control: private` };
}
