const hostAndPort = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?$/;
const MAX_PORT = 65_535;

/**
 * Whether a text is the host[:port] of a Host field (RFC 9110 §7.2): a name as DNS and real servers use it, an IPv4
 * address, or a bracketed IPv6 address. The port may be empty after its colon (RFC 3986 §3.2.3).
 */
export function isHostAndPort(text: string): boolean {
  const [whole, port = ''] = hostAndPort.exec(text) ?? [];
  return whole !== undefined && Number(port) <= MAX_PORT;
}

/** The host of a host[:port] as sent, with the brackets of an IPv6 address. */
export function withoutPort(text: string): string {
  const colon = text.indexOf(':', text.lastIndexOf(']') + 1);
  return colon < 0 ? text : text.slice(0, colon);
}

/** `127.0.0.1:80`, `[::1]:80`: the text of a TCP address (RFC 3986 §3.2.2 for the brackets). */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `127.0.0.1:80`, `[::1]:80`, `unix:/run/portcullis.sock`: the text of an address, which also serves as its key. */
export function addressText(
  address: { readonly host: string; readonly port: number } | { readonly path: string },
): string {
  return 'path' in address ? `unix:${address.path}` : hostPort(address.host, address.port);
}
