import { hostname, networkInterfaces } from 'node:os';
import type { ListenAddress, TrafficAddress, UpstreamConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';

/** Refuses an upstream with an address of `listen`: each request would come back until no connection is left. */
export function refuseOwnAddress(
  file: FileConfig,
  listen: readonly TrafficAddress[],
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  findings: Findings,
): void {
  const own = ownAddresses();
  for (const { name, server } of upstreams.values()) {
    if (!listen.some((address) => 'port' in address && isSame(address, server, own))) continue;
    findings.fault(
      placeOf(file, name),
      'is an address of listen, so that the gateway would ask itself; must be the address of the service behind it',
    );
  }
}

/** Whether the server's address reaches this machine at the address to listen on. */
function isSame(listen: ListenAddress, server: ListenAddress, own: ReadonlySet<string>): boolean {
  if (listen.port !== server.port || listen.port === 0) return false;
  if (listen.host === server.host) return true;
  const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
  if (isWildcard(server.host)) return isLoopback(listen.host) || isWildcard(listen.host);
  if (isWildcard(listen.host)) return isLoopback(server.host) || own.has(server.host);
  return listen.host === 'localhost' || server.host === 'localhost'
    ? isLoopback(listen.host) && isLoopback(server.host)
    : false;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function ownAddresses(): ReadonlySet<string> {
  return new Set([...interfaceAddresses(), hostname().toLowerCase()]);
}

/** Empty where a sandbox forbids the question to the kernel (RestrictAddressFamilies= without AF_NETLINK). */
function interfaceAddresses(): readonly string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  } catch {
    return []; // The comparison then covers names and loopback addresses.
  }
}

/** The place of this upstream in the file: its name, or the first route that has its URL. */
function placeOf(file: FileConfig, name: string): KeyPath {
  if (Object.hasOwn(file.upstreams, name)) return ['upstreams', name, 'servers', 0];
  const index = (file.routes ?? []).findIndex(({ upstream }) => upstream?.includes(name) === true);
  return index < 0 ? ['upstream'] : ['routes', index, 'upstream'];
}
