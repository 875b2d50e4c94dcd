import { Buffer } from 'node:buffer';
import type { Permit } from '../auth/verdict.ts';
import { authenticatesConnection } from '../http/connection-auth.ts';
import { hopByHop, PASSED } from '../http/field-names.ts';
import { valuesOf } from '../http/field-values.ts';
import { namedOptions } from '../http/h1/connection-options.ts';
import type { RequestHead, RequestLines, Trailers } from '../http/message.ts';
import { NameSet } from '../http/name-set.ts';
import type { Networks } from '../http/networks.ts';
import { forwardedFor, readForwarded } from './forwarded.ts';
import {
  forwardingFields,
  isForwarding,
  isPlainForwarding,
  methodOverrideFields,
  overrideFields,
} from './removed-fields.ts';
import { withoutToken } from './strip-token.ts';

/** Which X-Forwarded-* fields the gateway adds. */
export type Forwarded = ReadonlySet<'for' | 'proto' | 'host'>;

export interface RequestWriterOptions {
  /** Every field that any route maps a claim to. The writer removes them on all routes, public ones too. */
  readonly identityNames: Iterable<string>;
  /** Some permission depends on the method, so no client may name another one in a field. */
  readonly methodsMatter: boolean;
  /** Peers whose X-Forwarded-* are trusted; undefined: none. */
  readonly trustedProxies: Networks | undefined;
  /** The mark by which this gateway, and no other, recognises its own requests; undefined: it sets none. */
  readonly loopMark: string | undefined;
}

/**
 * Writes request heads for upstream. The order keeps them safe: the writer first removes what Connection names, then
 * identity and forwarding fields in every spelling. It adds its own fields last, so no client can remove or forge them.
 */
export class RequestWriter {
  readonly #removed: NameSet;
  readonly #trusted: Networks | undefined;
  readonly #loopMark: string | undefined;
  readonly #passedLine: string;
  /** The forwarding fields written last; behind a balancer the next request has the same. */
  #last = { forwarded: new Set() as Forwarded, address: '', scheme: '', host: '', lines: '' };
  /** The client of the request that is being written takes trailers (RFC 9110 §10.1.4). */
  #takesTrailers = false;
  /** The last peer: a search in the networks takes a microsecond. */
  #lastPeer = { address: '', trusted: false };

  constructor({ identityNames, methodsMatter, trustedProxies, loopMark }: RequestWriterOptions) {
    const methods = methodsMatter ? methodOverrideFields : [];
    const fields = [...hopByHop, ...forwardingFields, ...overrideFields, ...methods];
    this.#removed = new NameSet([...fields, ...identityNames]);
    this.#trusted = trustedProxies;
    this.#loopMark = loopMark;
    this.#passedLine = loopMark === undefined ? '' : `${PASSED}: ${loopMark}\r\n`;
    this.#last.lines = this.#passedLine;
  }

  /**
   * @param remoteAddress text of the peer's address, or `unix`; it goes into X-Forwarded-For and decides on trust.
   * @param scheme of the client's connection, for X-Forwarded-Proto.
   * @returns the head, or the reason of a refusal: `request_malformed` where bytes of the head are lost,
   *   `loop_detected` where the request has passed this gateway before.
   */
  write(
    permit: Permit,
    received: RequestHead,
    forwarded: Forwarded,
    remoteAddress: string,
    scheme: 'http' | 'https',
  ): RequestLines | 'request_malformed' | 'loop_detected' {
    const room = received.repeats;
    if (room === undefined) return this.#make(permit, received, forwarded, remoteAddress, scheme);
    const { written } = room;
    if (
      written !== undefined &&
      written.permit === permit &&
      written.writer === this &&
      written.forwarded === forwarded &&
      written.address === remoteAddress &&
      written.scheme === scheme
    ) {
      return written.lines;
    }
    const lines = this.#make(permit, received, forwarded, remoteAddress, scheme);
    if (typeof lines !== 'string')
      room.written = { writer: this, permit, forwarded, address: remoteAddress, scheme, lines };
    return lines;
  }

  #make(
    permit: Permit,
    received: RequestHead,
    forwarded: Forwarded,
    remoteAddress: string,
    scheme: 'http' | 'https',
  ): RequestLines | 'request_malformed' | 'loop_detected' {
    const { traces } = permit;
    const head = traces === undefined ? received : withoutToken(received, traces);
    const target = head.query === undefined ? head.path : `${head.path}?${head.query}`;
    const trusted = this.#trusted !== undefined && this.#isTrusted(remoteAddress, this.#trusted);
    let text = `${head.method} ${target} HTTP/1.1\r\n`;
    this.#takesTrailers = false;
    const kept = this.#keptLines(permit, head, trusted);
    if (kept === undefined) return 'loop_detected';
    text += kept;
    text += permit.headers;
    text += trusted
      ? relayedLines(forwarded, remoteAddress, scheme, head) + this.#passedLine
      : this.#ownLines(forwarded, remoteAddress, scheme, head.host);
    if (passesExpectation(head)) text += 'expect: 100-continue\r\n';
    if (head.framing === 'length') text += `content-length: ${head.contentLength}\r\n\r\n`;
    else if (head.framing === 'chunked') text += 'transfer-encoding: chunked\r\n\r\n';
    else text += expectsContent(head.method) ? 'content-length: 0\r\n\r\n' : '\r\n';
    // Only values can hold more than ASCII: names are tokens, the target was checked, and the rest is our own.
    let encoding: RequestLines['encoding'] = 'latin1';
    if (!isAscii(head.values)) {
      const { charset } = head;
      encoding = charset.encoding;
      if (charset.replacement !== undefined && text.includes(charset.replacement)) return 'request_malformed';
    }
    const wire: RequestLines =
      head.query === received.query ? { text, encoding } : { text, encoding, tokenInUrl: true };
    const connectionAuth =
      mayAuthenticateConnection(head) && !permit.stripToken && authenticatesConnection(head);
    if (connectionAuth) return { ...wire, connectionAuth };
    return this.#takesTrailers ? { ...wire, takesTrailers: true } : wire;
  }

  /**
   * The lines of a request's trailers that go upstream. A server may merge them into the head, so what a client must not
   * say there it must not say here.
   */
  writeTrailers({ names, values }: Trailers): string {
    let lines = '';
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      if (!this.#removed.has(name) && !isForwarding(name) && name !== PASSED)
        lines += `${name}: ${values[at]}\r\n`;
    }
    return lines;
  }

  #isTrusted(address: string, networks: Networks): boolean {
    if (this.#lastPeer.address !== address) this.#lastPeer = { address, trusted: networks.has(address) };
    return this.#lastPeer.trusted;
  }

  #ownLines(forwarded: Forwarded, address: string, scheme: string, host: string): string {
    const last = this.#last;
    if (
      last.host === host &&
      last.address === address &&
      last.scheme === scheme &&
      last.forwarded === forwarded
    ) {
      return last.lines;
    }
    let lines = this.#passedLine;
    if (forwarded.has('for')) lines += `x-forwarded-for: ${forwardedFor([], address)}\r\n`;
    if (forwarded.has('proto')) lines += `x-forwarded-proto: ${scheme}\r\n`;
    if (forwarded.has('host')) lines += `x-forwarded-host: ${host}\r\n`;
    this.#last = { forwarded, address, scheme, host, lines };
    return lines;
  }

  /** A proxy on the way may have joined several such fields to one list (RFC 9110 §5.3). */
  #isOurMark(value: string): boolean {
    const loopMark = this.#loopMark;
    return loopMark !== undefined && value.split(',').some((mark) => mark.trim() === loopMark);
  }

  /**
   * The lines of the client that go upstream. Undefined when the request has passed this gateway before, even if
   * Connection names the field that shows it.
   * @param named the names that Connection lists; undefined before they were read.
   */
  #keptLines(
    permit: Permit,
    head: RequestHead,
    trusted: boolean,
    named?: ReadonlySet<string>,
  ): string | undefined {
    const { names, values } = head;
    const removed = this.#removed;
    let text = '';
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string;
      const value = values[at] as string;
      if (removed.has(name)) {
        // Connection may name earlier fields, so the writer starts again with the names that it lists.
        if (name === 'connection' && named === undefined && value !== 'keep-alive' && value !== 'close') {
          return this.#keptLines(permit, head, trusted, namedByConnection(head));
        }
        if (name === 'te') this.#takesTrailers = value.toLowerCase() === 'trailers';
        continue;
      }
      if (name === PASSED && this.#isOurMark(value)) return undefined;
      if (permit.stripToken && name === 'authorization') continue;
      if (isForwarding(name)) {
        // Connection does not count here: a client must not remove what a proxy reports about it (CVE-2022-31813).
        if (!trusted || !isPlainForwarding(name)) continue;
      } else if (named?.has(name) === true) continue;
      text += `${name}: ${value}\r\n`;
    }
    return text;
  }
}

/** The forwarding fields behind a trusted proxy: its values, and ours where its values are missing or unclear. */
function relayedLines(forwarded: Forwarded, address: string, scheme: string, head: RequestHead): string {
  const { hops, proto, host } = readForwarded(head);
  let lines = '';
  if (forwarded.has('for')) lines += `x-forwarded-for: ${forwardedFor(hops, address)}\r\n`;
  if (forwarded.has('proto')) lines += `x-forwarded-proto: ${proto ?? scheme}\r\n`;
  if (forwarded.has('host')) lines += `x-forwarded-host: ${host ?? head.host}\r\n`;
  return lines;
}

/** Nearly all credentials are Bearer or Basic. Their first letter rules them out without the expression. */
function mayAuthenticateConnection({ authorization, authorizationCount }: RequestHead): boolean {
  if (authorization === undefined) return false;
  return authorizationCount > 1 || (authorization.charCodeAt(0) | 0x20) !== 0x62;
}

/** The writer keeps these even if Connection names them: without them the request would mean something else. */
const endToEnd = new Set(['host', 'authorization', 'cache-control', 'content-type']);

/**
 * Bytes of a body from which upstream decides whether the client may send it: a server that refuses large bodies does so
 * before they travel. For a smaller one the wait for upstream costs more than the body.
 */
const LARGE_BODY_BYTES = 1024 * 1024;

/** Whether upstream is asked before the client is told to send its body. */
export function passesExpectation(head: RequestHead): boolean {
  if (head.expectsContinue !== true || head.framing === 'none') return false;
  return head.framing === 'chunked' || head.contentLength >= LARGE_BODY_BYTES;
}

/** Methods whose request has a meaning for its content even when that is empty (RFC 9110 §8.6). */
function expectsContent(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

/** Counts bytes: that finds ASCII, the usual case, without joining the texts and without reading each character. */
function isAscii(texts: readonly string[]): boolean {
  for (let at = 0; at < texts.length; at += 1) {
    const text = texts[at] as string;
    if (Buffer.byteLength(text) !== text.length) return false;
  }
  return true;
}

/** The names that the Connection fields of a request list, without those that the message needs. */
function namedByConnection(head: RequestHead): ReadonlySet<string> {
  return new Set(namedOptions(valuesOf(head, 'connection')).filter((name) => !endToEnd.has(name)));
}
