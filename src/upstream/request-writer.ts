import { Buffer } from 'node:buffer';
import { NameSet } from '../lib/name-set.ts';
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
  private readonly dropped: NameSet;
  private readonly droppedForwarding: NameSet;
  /** The forwarding headers written last; behind a balancer the next request has the same. */
  private last = { forwarded: new Set() as Forwarded, address: '', host: '', lines: '' };

  /** @param identityNames every header any route maps a claim to: removed on all routes, public ones too. */
  constructor(identityNames: Iterable<string>) {
    const names = [...hopByHop, ...[...identityNames].map(canonical)];
    this.dropped = new NameSet(names);
    this.droppedForwarding = new NameSet([...names, ...forwarding]);
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
    const target = head.query === undefined ? head.path : `${head.path}?${head.query}`;
    let text = `${head.method} ${target} HTTP/1.1\r\n`;
    text += this.kept(permit, head, forwarded.size > 0 ? this.droppedForwarding : this.dropped);
    text += permit.headers;
    text += this.forwardingLines(forwarded, remoteAddress, head.host);
    if (head.framing === 'length') text += `content-length: ${head.contentLength}\r\n\r\n`;
    else if (head.framing === 'chunked') text += 'transfer-encoding: chunked\r\n\r\n';
    else text += expectsContent(head.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    // Values alone can hold more than ASCII: names are tokens, the target was judged, and the rest is our own.
    if (isAscii(head.values)) return { text, encoding: 'latin1' };
    return text.includes('\ufffd') ? undefined : { text, encoding: 'utf8' };
  }

  private forwardingLines(forwarded: Forwarded, address: string, host: string): string {
    const { last } = this;
    if (last.host === host && last.address === address && last.forwarded === forwarded) return last.lines;
    let lines = '';
    if (forwarded.has('for')) lines += `x-forwarded-for: ${address}\r\n`;
    if (forwarded.has('proto')) lines += 'x-forwarded-proto: http\r\n';
    if (forwarded.has('host')) lines += `x-forwarded-host: ${host}\r\n`;
    this.last = { forwarded, address, host, lines };
    return lines;
  }

  /** The client's headers that go upstream; `named` are those which Connection names. */
  private kept(permit: Permit, head: RequestHead, dropped: NameSet, named?: ReadonlySet<string>): string {
    const { names, values } = head;
    let text = '';
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      const value = values[at] as string;
      if (dropped.has(name)) {
        // Connection may name headers that have already gone by, so begin again with what it names.
        if (name === 'connection' && named === undefined && value !== 'keep-alive' && value !== 'close') {
          return this.kept(permit, head, dropped, namedByConnection(head));
        }
        continue;
      }
      // A server may read `_` as `-` (CGI, WSGI), so both spellings are the same name here.
      if (name.indexOf('_') >= 0 && dropped.has(canonical(name))) continue;
      if (permit.stripToken && name === 'authorization') continue;
      if (named?.has(name) === true) continue;
      text += `${name}: ${value}\r\n`;
    }
    return text;
  }
}

/** Named in Connection or not, these are never ours to drop: the message would change its meaning without them. */
const endToEnd = new Set(['host', 'authorization', 'cache-control', 'content-type']);

/** Methods whose request has a meaning for its content even when that is empty (RFC 9110 §8.6). */
function expectsContent(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** Counting bytes tells plain ASCII, the rule, without joining the texts and without a look at each character. */
function isAscii(texts: readonly string[]): boolean {
  for (let at = 0; at < texts.length; at += 1) {
    const text = texts[at] as string;
    if (Buffer.byteLength(text) !== text.length) return false;
  }
  return true;
}

function canonical(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function namedByConnection(head: RequestHead): ReadonlySet<string> {
  const values = head.values.filter((_, at) => head.names[at] === 'connection');
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !endToEnd.has(name)));
}
