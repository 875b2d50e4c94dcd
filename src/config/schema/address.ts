import { addressText } from '../../http/host-port.ts';
import type { ListenAddress, TrafficAddress } from '../config.ts';

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
/** With `_`: host names should not have it (RFC 952), but names of containers and many DNS zones do. */
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** The canonical form of an IPv4 address, an IPv6 address without brackets, or a host name. */
export function parseHost(text: string): string | undefined {
  if (text.includes(':')) return canonicalIpv6(text);
  const host = text.toLowerCase();
  if (IPV4.test(host)) return /(^|\.)0\d/.test(host) ? undefined : host;
  // Some resolvers read a last label of digits as a number: 127.1, 0x7f.0.0.1.
  const last = host.slice(host.lastIndexOf('.') + 1);
  return HOST_NAME.test(host) && !/^(\d+|0x[0-9a-f]*)$/.test(last) ? host : undefined;
}

function canonicalIpv6(text: string): string | undefined {
  if (!/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  try {
    return new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
}

/** A port from 0 to 65535; undefined for anything else, leading zeros too. */
function parsePort(text: string): number | undefined {
  const port = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

/** `host:port`, `[::]:port`, and `:port` for every IPv4 address of the machine. */
export function parseAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(text) ?? [];
  const host = plain === '' ? '0.0.0.0' : parseHost(bracketed ?? plain ?? '');
  const port = parsePort(digits);
  if (host === undefined || port === undefined || (bracketed !== undefined && !host.includes(':')))
    return undefined;
  return { host, port };
}

/**
 * The path in `unix:/path`, as written. Undefined for anything else, for a path that cannot name a file, and for a name
 * in the abstract namespace, which has no owner and no mode.
 */
export function parseUnixPath(text: string): string | undefined {
  const [, path] = /^unix:([^@\p{Cc}][^\p{Cc}]*)$/u.exec(text) ?? [];
  return path === undefined || /(^|\/)\.{0,2}$/.test(path) ? undefined : path;
}

/** `127.0.0.1:80`, `[::1]:80`, `unix:/run/portcullis.sock`. */
export function formatAddress(address: TrafficAddress): string {
  return addressText(address);
}

/** Whether both need the same port of the same address; a wildcard covers all addresses of its family. */
export function overlap(a: TrafficAddress, b: TrafficAddress): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host);
}

function covers(wildcard: string, host: string): boolean {
  return wildcard === '0.0.0.0' ? !host.includes(':') : wildcard === '::' && host.includes(':');
}

/** Whether only programs of this machine reach a host in canonical form. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** Whether the URL asks for TLS. */
export function isHttps(url: string): boolean {
  return /^https:/i.test(url);
}

/**
 * The address in `http://host` or `http://host:port`, or the same with https; undefined for anything else, such as a
 * path, a query or a user.
 */
export function parseServer(text: string): ListenAddress | undefined {
  const [, authority] = /^https?:\/\/([^/?#@\\\s]+)\/?$/i.exec(text) ?? [];
  if (authority === undefined) return undefined;
  const hasPort = /:\d+$/.test(authority.replace(/^\[[^\]]*\]/, ''));
  const address = parseAddress(hasPort ? authority : `${authority}:${isHttps(text) ? 443 : 80}`);
  return address === undefined || authority.startsWith(':') || address.port === 0 ? undefined : address;
}
