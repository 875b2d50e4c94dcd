import { tokenBytes } from './ascii.ts';
import type { RequestHead } from './message.ts';

/**
 * Schemes that authenticate a connection instead of a request (RFC 4559 §6, MS-NTHT, MS-N2HT): all that comes on the
 * same connection afterwards is that user's, which RFC 9110 §3.3 forbids and servers do all the same.
 */
const schemes: ReadonlySet<string> = new Set(['ntlm', 'negotiate', 'nego2', 'kerberos']);
/** Length of the longest of them. */
const LONGEST = Math.max(...Array.from(schemes, (scheme) => scheme.length));

/** The first token of credentials; commas before it are empty members to a server that reads a list. */
const ownScheme = /^[\t ,]*(?:ntlm|negotiate|nego2|kerberos)(?![!#$%&'*+.^_`|~0-9a-z-])/i;

/** Whether the values of Authorization in this head authenticate the connection that they are sent on. */
export function authenticatesConnection({ names, values }: RequestHead): boolean {
  return values.some((value, at) => names[at] === 'authorization' && ownScheme.test(value));
}

/**
 * Whether a challenge, [start, end) of `bytes`, names such a scheme. Any token of the value counts, also one that is a
 * parameter: a connection closed in vain costs little, and one kept in vain a user's rights.
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
