import type { IncomingMessage } from 'node:http';

const MAPPED = '::ffff:';

/**
 * Whether a request names the address to which it was sent, `localhost`, or one of `hosts` (in lower case). A web page can let
 * its own name point here (DNS rebinding); a browser then sends that name, and must not get the reply. Browsers always
 * send Host, so a request without it is a probe of the HTTP/1.0 kind.
 */
export function isOwnHost(request: IncomingMessage, hosts: ReadonlySet<string>): boolean {
  const { host } = request.headers;
  if (host === undefined) return true;
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined) return false;
  const { localAddress = '' } = request.socket;
  const own = localAddress.startsWith(MAPPED) ? localAddress.slice(MAPPED.length) : localAddress;
  return name === own || name === 'localhost' || hosts.has(name);
}
