import { isIP, SocketAddress } from 'node:net';

/** Entries of one list of names: `DNS:a.example`, `IP Address:10.0.0.1`. Node.js quotes an entry with odd characters. */
const ENTRY = /(DNS|IP Address):([^",\s]+)(?=,|$)/g;
/** A host name in a certificate: labels of letters, digits, `-` and `_`, the first of which may be `*` (RFC 6125 §6.4.3). */
const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * The host names and IP addresses of a certificate's subjectAltName: names in lower case, a wildcard as `*.name`,
 * addresses in canonical form. The subject's common name counts for nothing (RFC 9110 §4.3.4).
 * @param text `X509Certificate.subjectAltName`.
 */
export function certificateNames(text: string | undefined): readonly string[] {
  const names = new Set<string>();
  for (const [, kind, value = ''] of (text ?? '').matchAll(ENTRY)) {
    const name = kind === 'DNS' ? value.toLowerCase() : canonicalIp(value);
    if (name !== undefined && (isIP(name) > 0 || NAME.test(name))) names.add(name);
  }
  return [...names];
}

/** `::1` for `0:0:0:0:0:0:0:1`; undefined for what is no address. */
function canonicalIp(text: string): string | undefined {
  const family = isIP(text);
  if (family !== 6) return family === 4 ? text : undefined;
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}
