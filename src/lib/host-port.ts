/** `127.0.0.1:80`, `[::1]:80`: the text of a TCP address (RFC 3986 §3.2.2 for the brackets). */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
