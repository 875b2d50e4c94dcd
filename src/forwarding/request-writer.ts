import { Buffer } from 'node:buffer';
import type { Permit } from '../auth/verdict.ts';
import { authenticatesConnection } from '../http/connection-auth.ts';
import type { RequestHead } from '../http/message.ts';
import { NameSet } from '../http/name-set.ts';
import type { Networks } from '../http/networks.ts';
import { forwardedFor, toldBy } from './forwarded.ts';
import { withoutToken } from './strip-token.ts';

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

/**
 * What a proxy in front might have said. Nothing of it goes upstream as it came: what is believed is written anew,
 * and the others of the family would contradict it.
 */
const forwarding = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
];

/**
 * The rest of the family (X-Forwarded-User, -Client-Cert, -Uri) says who the client is, too, and grows with each
 * product, so it is known by how it begins.
 */
const forwardingFamily = /^x[^0-9a-z]forwarded(?![0-9a-z])/;
/** The one spelling in which proxies write it; what a client spells otherwise passes by those that replace theirs. */
const plainForwarding = /^x-forwarded(?:-[0-9a-z]+)+$/;

/**
 * With these some servers take another path, host or method than the request's, so not what was authorized. Proxies
 * write most of them about what they have rewritten, so no client needs one; and a proxy that is believed may still
 * carry on what its client sent, so they are removed from every peer's requests.
 */
const overrides = [
  'x-original-url', // IIS, Symfony, Zend (CVE-2018-14773)
  'x-rewrite-url',
  'x-original-uri',
  'x-rewrite-uri',
  'script-name', // gunicorn cuts it off the front of the path (benoitc/gunicorn#2650).
  'path-info',
  'x-script-name',
  'x-original-path',
  'x-envoy-original-path',
  'x-host',
  'x-original-host',
  'x-envoy-original-host',
  'x-rewrite-host',
  'x-host-override',
  'x-http-host-override',
  'x-original-method',
  'x-envoy-original-method',
];

/**
 * With these many frameworks take another method. Clients send them where only GET and POST get through, so they are
 * removed only where some request is let in for its method.
 */
const methodOverrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/**
 * Says which gateway a request has passed. Not Via: some servers answer what came through a proxy otherwise, as nginx
 * does, which then compresses nothing.
 */
const PASSED = 'x-portcullis-via';

/** Which X-Forwarded-* headers are added. */
export type Forwarded = ReadonlySet<'for' | 'proto' | 'host'>;

/** A request head ready to send; `encoding` leaves every byte as the client sent it. */
export interface WireHead {
  readonly text: string;
  readonly encoding: 'latin1' | 'utf8';
  /** The query had the token in it; absent: it had not. */
  readonly tokenInUrl?: true;
  /** It authenticates the connection that it is sent on, which must be its own; absent: it does not. */
  readonly connectionAuth?: true;
}

export interface RequestWriterOptions {
  /** Every header any route maps a claim to: removed on all routes, public ones too. */
  readonly identityNames: Iterable<string>;
  /** A request is let in for its method, so that no client may name another one in a header. */
  readonly methodsMatter: boolean;
  /** Peers whose X-Forwarded-* are believed; undefined: none. */
  readonly trustedProxies: Networks | undefined;
  /** What this gateway alone marks its requests with, to know them again; undefined: it does not. */
  readonly loopMark: string | undefined;
}

/**
 * Writes request heads for upstream. Order is the security here: what Connection names goes first, then identity
 * and forwarding headers in every spelling. Ours are added last, so that no client can remove or forge them.
 */
export class RequestWriter {
  private readonly dropped: NameSet;
  private readonly trusted: Networks | undefined;
  private readonly loopMark: string | undefined;
  private readonly passedLine: string;
  /** The forwarding headers written last; behind a balancer the next request has the same. */
  private last = { forwarded: new Set() as Forwarded, address: '', host: '', lines: '' };
  /** The peer looked up last; a look-up costs a microsecond. */
  private lastPeer = { address: '', believed: false };

  constructor({ identityNames, methodsMatter, trustedProxies, loopMark }: RequestWriterOptions) {
    const methods = methodsMatter ? methodOverrides : [];
    this.dropped = new NameSet([...hopByHop, ...forwarding, ...overrides, ...methods, ...identityNames]);
    this.trusted = trustedProxies;
    this.loopMark = loopMark;
    this.passedLine = loopMark === undefined ? '' : `${PASSED}: ${loopMark}\r\n`;
    this.last.lines = this.passedLine;
  }

  /**
   * @param remoteAddress text of the peer's address, or `unix`, for X-Forwarded-For and to know whether the peer is believed.
   * @returns why it is refused: the head holds bytes which the engine could not read as UTF-8 and has replaced, or the
   *   request has passed this gateway before.
   */
  write(
    permit: Permit,
    received: RequestHead,
    forwarded: Forwarded,
    remoteAddress: string,
  ): WireHead | 'request_malformed' | 'loop_detected' {
    const { traces } = permit;
    const head = traces === undefined ? received : withoutToken(received, traces);
    const target = head.query === undefined ? head.path : `${head.path}?${head.query}`;
    const believed = this.trusted !== undefined && this.believes(remoteAddress, this.trusted);
    let text = `${head.method} ${target} HTTP/1.1\r\n`;
    const kept = this.kept(permit, head, believed);
    if (kept === undefined) return 'loop_detected';
    text += kept;
    text += permit.headers;
    text += believed
      ? relayedLines(forwarded, remoteAddress, head) + this.passedLine
      : this.ownLines(forwarded, remoteAddress, head.host);
    if (head.framing === 'length') text += `content-length: ${head.contentLength}\r\n\r\n`;
    else if (head.framing === 'chunked') text += 'transfer-encoding: chunked\r\n\r\n';
    else text += expectsContent(head.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    // Values alone can hold more than ASCII: names are tokens, the target was judged, and the rest is our own.
    const encoding = isAscii(head.values) ? 'latin1' : 'utf8';
    if (encoding === 'utf8' && text.includes('\ufffd')) return 'request_malformed';
    const wire: WireHead =
      head.query === received.query ? { text, encoding } : { text, encoding, tokenInUrl: true };
    const speaks = mayAuthenticateConnection(head) && !permit.stripToken && authenticatesConnection(head);
    return speaks ? { ...wire, connectionAuth: true } : wire;
  }

  private believes(address: string, trusted: Networks): boolean {
    if (this.lastPeer.address !== address) this.lastPeer = { address, believed: trusted.has(address) };
    return this.lastPeer.believed;
  }

  private ownLines(forwarded: Forwarded, address: string, host: string): string {
    const { last } = this;
    if (last.host === host && last.address === address && last.forwarded === forwarded) return last.lines;
    let lines = this.passedLine;
    if (forwarded.has('for')) lines += `x-forwarded-for: ${forwardedFor([], address)}\r\n`;
    if (forwarded.has('proto')) lines += 'x-forwarded-proto: http\r\n';
    if (forwarded.has('host')) lines += `x-forwarded-host: ${host}\r\n`;
    this.last = { forwarded, address, host, lines };
    return lines;
  }

  /** Several such headers may have become one list on their way (RFC 9110 §5.3). */
  private isOurMark(value: string): boolean {
    const { loopMark } = this;
    return loopMark !== undefined && value.split(',').some((mark) => mark.trim() === loopMark);
  }

  /**
   * The client's headers that go upstream; `named` are those which Connection names. Undefined when the request has
   * passed this gateway before, even if Connection names the header that tells.
   */
  private kept(
    permit: Permit,
    head: RequestHead,
    believed: boolean,
    named?: ReadonlySet<string>,
  ): string | undefined {
    const { names, values } = head;
    const { dropped } = this;
    let text = '';
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      const value = values[at] as string;
      if (dropped.has(name)) {
        // Connection may name headers that have already gone by, so begin again with what it names.
        if (name === 'connection' && named === undefined && value !== 'keep-alive' && value !== 'close') {
          return this.kept(permit, head, believed, namedByConnection(head));
        }
        continue;
      }
      if (name === PASSED && this.isOurMark(value)) return undefined;
      if (permit.stripToken && name === 'authorization') continue;
      if (isForwarding(name)) {
        // Also when Connection names it: what a proxy says is not the client's to take away (CVE-2022-31813).
        if (!believed || !plainForwarding.test(name)) continue;
      } else if (named?.has(name) === true) continue;
      text += `${name}: ${value}\r\n`;
    }
    return text;
  }
}

/** The same head on a connection that ends with its request. */
export function withClose(head: WireHead): WireHead {
  return { ...head, text: `${head.text.slice(0, -2)}connection: close\r\n\r\n` };
}

/** The forwarding headers behind a peer that is believed: what it says, and ours where it says nothing clear. */
function relayedLines(forwarded: Forwarded, address: string, head: RequestHead): string {
  const told = toldBy(head);
  let lines = '';
  if (forwarded.has('for')) lines += `x-forwarded-for: ${forwardedFor(told.hops, address)}\r\n`;
  if (forwarded.has('proto')) lines += `x-forwarded-proto: ${told.proto ?? 'http'}\r\n`;
  if (forwarded.has('host')) lines += `x-forwarded-host: ${told.host ?? head.host}\r\n`;
  return lines;
}

/** Two letters tell nearly all other names apart without the expression. */
function isForwarding(name: string): boolean {
  return name.charCodeAt(2) === 0x66 && name.charCodeAt(0) === 0x78 && forwardingFamily.test(name);
}

/** Nearly all credentials are Bearer or Basic, and what begins with their letter needs no further look. */
function mayAuthenticateConnection({ authorization, authorizationCount }: RequestHead): boolean {
  if (authorization === undefined) return false;
  return authorizationCount > 1 || (authorization.charCodeAt(0) | 0x20) !== 0x62;
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

function namedByConnection(head: RequestHead): ReadonlySet<string> {
  const values = head.values.filter((_, at) => head.names[at] === 'connection');
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !endToEnd.has(name)));
}
