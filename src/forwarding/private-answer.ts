import type { ResponseHead } from '../upstream/h1/response-head.ts';

const cacheControl = /\r\ncache-control:/i;

/**
 * The head of an answer to a request whose URL had the token in it: unless upstream has spoken of caches, shared ones
 * are told to leave it alone (RFC 6750 §2.3), which they do by themselves only for Authorization.
 */
export function privateAnswer(head: ResponseHead): ResponseHead {
  const { lines } = head;
  return cacheControl.test(lines) ? head : { ...head, lines: `${lines}\r\nCache-Control: private` };
}
