import { hostname, networkInterfaces } from 'node:os';
import type { ListenAddress, TrafficAddress } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { formatAddress, isLoopback } from '../schema/address.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { FileServer, FileUpstream } from '../schema/upstream.ts';
import type { ServerAddress, UpstreamConfig } from '../upstream-config.ts';
import type { Findings } from './findings.ts';
import { addressOf } from './upstream.ts';

/** Refuses an upstream with an address of `listen`: each request would come back until no connection is left. */
export function refuseOwnAddress(
  file: FileConfig,
  folder: string,
  listen: readonly TrafficAddress[],
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  findings: Findings,
): void {
  const own = ownAddresses();
  for (const { name, servers } of upstreams.values()) {
    for (const { address: server } of servers) {
      if (!listen.some((address) => isOwn(address, server, own))) continue;
      findings.fault(
        placeOf(file, folder, name, server),
        'is an address of listen, so that the gateway would ask itself; must be the address of the service behind it',
      );
    }
  }
}

function isOwn(listen: TrafficAddress, server: ServerAddress, own: ReadonlySet<string>): boolean {
  if ('path' in listen || 'path' in server) {
    return 'path' in listen && 'path' in server && listen.path === server.path;
  }
  return isSame(listen, server, own);
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

/** The place of this server in the file: in its upstream, or in the first route that has its URL. */
function placeOf(file: FileConfig, folder: string, name: string, server: ServerAddress): KeyPath {
  if (Object.hasOwn(file.upstreams, name)) {
    const { servers = [] } = file.upstreams[name] as FileUpstream;
    const text = formatAddress(server);
    const isIt = (entry: FileServer): boolean => {
      const address = addressOf(typeof entry === 'string' ? entry : (entry.url ?? ''), folder);
      return address !== undefined && formatAddress(address) === text;
    };
    return ['upstreams', name, 'servers', servers.findIndex(isIt)];
  }
  const index = (file.routes ?? []).findIndex(({ upstream }) => upstream?.includes(name) === true);
  return index < 0 ? ['upstream'] : ['routes', index, 'upstream'];
}
