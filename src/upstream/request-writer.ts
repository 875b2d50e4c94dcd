import type { Permit, RequestHead } from '../types.ts';

/** Headers that end at this hop (RFC 9110 §7.6.1) or that the message is framed with anew. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy', // Becomes HTTP_PROXY in CGI programs (CVE-2016-5385).
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'expect', // The listener has answered it.
];

/** What a proxy in front of us might have said; nobody in front is trusted, so only our own word goes upstream. */
const forwarding = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
];

/** Methods whose request has a meaning for its content even when that is empty (RFC 9110 §8.6). */
const expectsContent = new Set(['POST', 'PUT', 'PATCH']);

/** Which X-Forwarded-* headers are added. */
export type Forwarded = ReadonlySet<'for' | 'proto' | 'host'>;

/** A request head ready to send; `encoding` leaves every byte as the client sent it. */
export interface WireHead {
  readonly text: string;
  readonly encoding: 'latin1' | 'utf8';
}

/**
 * Writes request heads for upstream. Order is the security here: what Connection names goes first, then identity
 * and forwarding headers in every spelling, and only then are ours added, so that nobody can remove or forge them.
 */
export class RequestWriter {
  private readonly dropped: ReadonlySet<string>;
  private readonly droppedForwarding: ReadonlySet<string>;

  /** @param identityNames every header any route maps a claim to: removed on all routes, public ones too. */
  constructor(identityNames: Iterable<string>) {
    const names = [...hopByHop, ...[...identityNames].map(canonical)];
    this.dropped = new Set(names);
    this.droppedForwarding = new Set([...names, ...forwarding]);
  }

  /**
   * @param remoteAddress text of the client's address, for X-Forwarded-For.
   * @returns undefined when the head holds bytes which the engine could not read as UTF-8 and has replaced.
   */
  write(
    permit: Permit,
    head: RequestHead,
    forwarded: Forwarded,
    remoteAddress: string,
  ): WireHead | undefined {
    const dropped = forwarded.size > 0 ? this.droppedForwarding : this.dropped;
    const { names, values } = head;
    const target = head.query === undefined ? head.path : `${head.path}?${head.query}`;
    let text = `${head.method} ${target} HTTP/1.1\r\n`;
    let named: ReadonlySet<string> | undefined;
    for (let at = 0; at < names.length; at += 1) {
      if (names[at] === 'connection') named = addNamed(named, values[at] as string);
    }
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      if (dropped.has(name)) continue;
      // A server may read `_` as `-` (CGI, WSGI), so both spellings are the same name here.
      if (name.includes('_') && dropped.has(canonical(name))) continue;
      if (permit.stripToken && name === 'authorization') continue;
      if (named?.has(name) === true && !endToEnd.has(name)) continue;
      text += `${name}: ${values[at]}\r\n`;
    }
    text += permit.headers;
    if (forwarded.has('for')) text += `x-forwarded-for: ${remoteAddress}\r\n`;
    if (forwarded.has('proto')) text += 'x-forwarded-proto: http\r\n';
    if (forwarded.has('host')) text += `x-forwarded-host: ${head.host}\r\n`;
    if (head.framing === 'length') text += `content-length: ${head.contentLength}\r\n\r\n`;
    else if (head.framing === 'chunked') text += 'transfer-encoding: chunked\r\n\r\n';
    else text += expectsContent.has(head.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    // Counting bytes is how plain ASCII, the rule, is told from the rest without looking at each character here.
    if (Buffer.byteLength(text) === text.length) return { text, encoding: 'latin1' };
    return text.includes('\ufffd') ? undefined : { text, encoding: 'utf8' };
  }
}

/** Named in Connection or not, these are never ours to drop: the message would change its meaning without them. */
const endToEnd = new Set(['host', 'authorization', 'cache-control', 'content-type']);

function canonical(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function addNamed(named: ReadonlySet<string> | undefined, value: string): ReadonlySet<string> | undefined {
  if (value === 'keep-alive' || value === 'close') return named;
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  return new Set([...(named ?? []), ...names]);
}
