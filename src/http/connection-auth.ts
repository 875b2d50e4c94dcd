import { tokenBytes } from './ascii.ts';
import type { RequestHead } from './message.ts';

/**
 * Schemes that authenticate a connection instead of a request (RFC 4559 §6, MS-NTHT, MS-N2HT). Servers take every later
 * request on that connection for the same user's, although RFC 9110 §3.3 forbids it.
 */
const schemes: ReadonlySet<string> = new Set(['ntlm', 'negotiate', 'nego2', 'kerberos']);
/** Characters of the longest scheme. */
const LONGEST = Math.max(...Array.from(schemes, (scheme) => scheme.length));

/** The scheme at the start of credentials. A server that reads a list skips commas before it as empty members. */
const ownScheme = /^[\t ,]*(?:ntlm|negotiate|nego2|kerberos)(?![!#$%&'*+.^_`|~0-9a-z-])/i;

/** Whether a value of Authorization in this head authenticates its connection. */
export function authenticatesConnection({ names, values }: RequestHead): boolean {
  return values.some((value, at) => names[at] === 'authorization' && ownScheme.test(value));
}

/**
 * Whether a challenge, [start, end) of `bytes`, names such a scheme. Every token of the value counts, parameters too: a
 * connection closed for nothing costs little, and one kept by mistake gives away a user's rights.
 */
export function challengesConnection(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const from = at;
    while (at < end && tokenBytes[bytes[at] as number] === 1) at += 1;
    if (at > from && at - from <= LONGEST && schemes.has(bytes.toString('latin1', from, at).toLowerCase())) {
      return true;
    }
    at += 1;
  }
  return false;
}
