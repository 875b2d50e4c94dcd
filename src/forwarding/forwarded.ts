import { isIP } from 'node:net';
import { isHostAndPort } from '../http/host-port.ts';
import type { RequestHead } from '../http/message.ts';
import { type Networks, UNIX_PEER } from '../http/networks.ts';

/** Hops read from X-Forwarded-For; no request passes through as many proxies. */
const MAX_HOPS = 32;
/** Characters of a host name (RFC 1035 §2.3.4) or address, with a port. */
const MAX_HOST = 261;

/** An address as proxies write it: plain or in brackets, with or without a port. */
const plainHop = /^(?:\[([0-9A-Fa-f:.]+)\]|(\d[\d.]*))(?::\d{1,5})?$/;
/** Characters of the longest address, with brackets and port. */
const MAX_HOP = 53;
/** The text by which a proxy hides the address (RFC 7239 §6.2). */
const UNKNOWN = 'unknown';

/** The facts that a proxy in front reports about its client. */
export interface ForwardedFields {
  /** The addresses that the request has passed, the client's first; never malformed, may be empty. */
  readonly hops: readonly string[];
  /** Undefined when the field is absent, repeated or malformed. */
  readonly proto: 'http' | 'https' | undefined;
  readonly host: string | undefined;
}

/**
 * Reads the X-Forwarded-* fields of a trusted peer. It reads those that Connection names too: a client must not use a
 * careless proxy to remove what the proxy reports about it (CVE-2022-31813).
 */
export function readForwarded(head: RequestHead): ForwardedFields {
  const { names, values } = head;
  let proto: string | undefined;
  let host: string | undefined;
  let protos = 0;
  let hosts = 0;
  for (let at = 0; at < names.length; at += 1) {
    if (names[at] === 'x-forwarded-proto') {
      proto = values[at];
      protos += 1;
    } else if (names[at] === 'x-forwarded-host') {
      host = values[at] as string;
      hosts += 1;
    }
  }
  return {
    hops: hopsOf(head),
    proto: protos === 1 && (proto === 'http' || proto === 'https') ? proto : undefined,
    host:
      hosts === 1 && host !== undefined && host.length <= MAX_HOST && isHostAndPort(host) ? host : undefined,
  };
}

/**
 * X-Forwarded-For of a request that came over these hops and from this peer. The peer of a unix socket has no address
 * to add, and a placeholder would hide the client from servers that read the last hop. The list is never empty: a
 * server that found none would take the client for a local one.
 */
export function forwardedFor(hops: readonly string[], peer: string): string {
  if (peer !== UNIX_PEER) return hops.length === 0 ? peer : `${hops.join(', ')}, ${peer}`;
  return hops.length === 0 ? UNKNOWN : hops.join(', ');
}

/**
 * The address of the client. It starts with the peer; as long as an address is that of a trusted proxy, the one that
 * the proxy reports takes its place.
 * @param peer text of the peer's address, `unix` for a unix socket.
 */
export function clientAddress(head: RequestHead, peer: string, trusted: Networks | undefined): string {
  if (trusted === undefined || !trusted.has(peer)) return peer;
  let address = peer;
  for (const hop of hopsOf(head).reverse()) {
    if (hop === UNKNOWN) break;
    address = addressIn(hop) as string;
    if (!trusted.has(address)) break;
  }
  return address;
}

/** Whether an address tells clients apart: all clients of a unix socket have the same. */
export function isDistinct(address: string): boolean {
  return address !== UNIX_PEER;
}

/** Whether the client came by TLS: to this gateway, or to the trusted proxy in front of it. @param peer as above. */
export function isSecure(
  head: RequestHead,
  scheme: 'http' | 'https',
  peer: string | undefined,
  trusted: Networks | undefined,
): boolean {
  if (trusted === undefined || peer === undefined || !trusted.has(peer)) return scheme === 'https';
  return (readForwarded(head).proto ?? scheme) === 'https';
}

/**
 * The well-formed end of X-Forwarded-For. Proxies append at the right; any client may have written the left part. A
 * malformed entry invalidates only the part left of it, so no client can hide behind one. Several fields are one
 * list (RFC 9110 §5.3), because some proxies add a line of their own.
 */
function hopsOf(head: RequestHead): string[] {
  const { names, values } = head;
  const hops: string[] = [];
  for (let at = names.length - 1; at >= 0; at -= 1) {
    if (names[at] === 'x-forwarded-for' && !takeHops(values[at] as string, hops)) break;
  }
  return hops.reverse();
}

/** Adds the hops of one line, the last first. Returns false at a malformed entry and at the limit. */
function takeHops(value: string, hops: string[]): boolean {
  let end = value.length;
  while (end >= 0) {
    const comma = end === 0 ? -1 : value.lastIndexOf(',', end - 1);
    const hop = value.slice(comma + 1, end).trim();
    end = comma;
    if (hop === '') continue; // RFC 9110 §5.6.1.2
    if (hops.length === MAX_HOPS || (hop !== UNKNOWN && addressIn(hop) === undefined)) return false;
    hops.push(hop);
  }
  return true;
}

/** The address in one hop; undefined when there is none. */
function addressIn(hop: string): string | undefined {
  if (hop.length > MAX_HOP || hop.includes('%')) return undefined;
  if (isIP(hop) !== 0) return hop;
  const [, bracketed, plain] = plainHop.exec(hop) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed : undefined;
  return plain !== undefined && isIP(plain) === 4 ? plain : undefined;
}
