import { withoutBlanks } from '../ascii.ts';
import type { Trailers } from '../message.ts';
import { NameSet } from '../name-set.ts';

/**
 * Fields that frame, route or authorize a message, or say how to read it. They must come before the body (RFC 9110 §6.5.1).
 * A server that merges trailers into the head would obey them, although the gateway has decided without them.
 */
export const notInTrailers = new NameSet([
  ...['transfer-encoding', 'content-length', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...[
    'upgrade',
    'host',
    'expect',
    'max-forwards',
    'http2-settings',
    'proxy',
    'range',
    'cache-control',
    'pragma',
  ],
  ...[
    'authorization',
    'proxy-authorization',
    'cookie',
    'www-authenticate',
    'proxy-authenticate',
    'set-cookie',
  ],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'],
  ...['content-encoding', 'content-type', 'content-range', 'content-location'],
]);

/** Length of the line that ends the trailer section. */
const EMPTY_LINE = '\r\n'.length;

/** @param lines well-formed field lines and the empty line. */
export function trailersIn(lines: string): Trailers {
  const names: string[] = [];
  const values: string[] = [];
  for (const line of lines.slice(0, -2 * EMPTY_LINE).split('\r\n')) {
    const colon = line.indexOf(':');
    names.push(line.slice(0, colon).toLowerCase());
    values.push(withoutBlanks(line, colon + 1, line.length));
  }
  return { names, values };
}
