import { isIP } from 'node:net';
import { resolve as absolute } from 'node:path';
import type { KeyPath } from '../fault.ts';
import { formatAddress, isHttps, parseServer, parseUnixPath } from '../schema/address.ts';
import { type FileConfig, schema } from '../schema/schema.ts';
import type { FileServer, FileUpstream } from '../schema/upstream.ts';
import type { ServerAddress, UpstreamConfig, UpstreamServer } from '../upstream-config.ts';
import { resolveBalance } from './balance.ts';
import type { Findings } from './findings.ts';
import { resolveHealth } from './health.ts';
import type { UpstreamTlsResolver } from './upstream-tls.ts';

/** Where a server listens, and how it is spoken to. */
export type ServerPlace = Pick<UpstreamServer, 'address' | 'scheme'>;

export function resolveUpstreams(
  file: FileConfig,
  folder: string,
  tls: UpstreamTlsResolver,
  findings: Findings,
): Map<string, UpstreamConfig> {
  const upstreams = new Map<string, UpstreamConfig>();
  for (const [name, upstream] of Object.entries(file.upstreams)) {
    const path = ['upstreams', name];
    if (findings.wasWrong(path)) continue;
    const servers = resolveServers(upstream, [...path, 'servers'], folder, findings);
    if (!upstream.reuse && upstream.pipelining > 1) {
      findings.fault(
        [...path, 'pipelining'],
        'needs connections that are used again, and reuse is false; must be left out, or reuse true',
      );
    }
    const health = resolveHealth(upstream.health, [...path, 'health'], findings);
    const balance = resolveBalance(upstream.balance, [...path, 'balance'], findings);
    if (servers === undefined) continue;
    const its = tls.resolve(upstream.tls, servers, [...path, 'tls']);
    warnOfNoOutlier(upstream.outliers, servers, [...path, 'outliers'], findings);
    upstreams.set(name, upstreamFrom(name, servers, its, upstream, { health, balance }));
  }
  return upstreams;
}

/** Names may have any number of addresses. */
function warnOfNoOutlier(
  outliers: FileUpstream['outliers'],
  servers: readonly UpstreamServer[],
  path: KeyPath,
  findings: Findings,
): void {
  if (outliers === undefined || servers.some(({ address }) => 'host' in address && isIP(address.host) === 0))
    return;
  const count = servers.filter(({ backup }) => !backup).length;
  if (Math.floor(outliers.most * count) > 0) return;
  const share = `${Math.round(outliers.most * 100)}%`;
  findings.warn(
    path,
    `never keep requests away from a server: ${share} of ${count === 1 ? 'one server' : `${count} servers`}, rounded down, is none; more servers are meant, or a greater share for most`,
  );
}

/** The servers that are right; undefined when none is. */
function resolveServers(
  upstream: FileUpstream,
  path: KeyPath,
  folder: string,
  findings: Findings,
): readonly UpstreamServer[] | undefined {
  if (upstream.servers === undefined) {
    findings.missing(path, 'a list of URLs such as [http://127.0.0.1:9000]');
    return undefined;
  }
  const servers: UpstreamServer[] = [];
  upstream.servers.forEach((entry, index) => {
    const server = resolveServer(entry, upstream, [...path, index], folder, findings);
    if (server === undefined) return;
    const text = formatAddress(server.address);
    if (servers.some(({ address }) => formatAddress(address) === text)) {
      findings.fault(
        [...path, index],
        'stands in the list twice; must stand once, with a weight if that is meant',
      );
    } else servers.push(server);
  });
  if (servers.length > 0 && servers.every(({ backup }) => backup)) {
    findings.fault(path, 'has no server that is not a backup; must have one');
  }
  return servers.length === 0 ? undefined : servers;
}

function resolveServer(
  entry: FileServer,
  { limits }: FileUpstream,
  path: KeyPath,
  folder: string,
  findings: Findings,
): UpstreamServer | undefined {
  const {
    url,
    protocol = 'http/1.1',
    weight = 1,
    backup = false,
    connections = limits.connections,
  } = typeof entry === 'string' ? { url: entry } : entry;
  const at = typeof entry === 'string' ? path : [...path, 'url'];
  if (url === undefined) {
    findings.missing(at, 'a URL such as http://127.0.0.1:9000');
    return undefined;
  }
  if (connections > limits.connections) {
    findings.fault(
      [...path, 'connections'],
      `is more than limits.connections of the upstream, which is ${limits.connections}; must be at most as many`,
    );
  }
  const place = resolveServerUrl(url, at, folder, findings);
  return place && { ...place, protocol, weight, backup, connections };
}

/** What the URL of a server says; undefined for a fault, which goes to the findings. */
export function resolveServerUrl(
  url: string,
  path: KeyPath,
  folder: string,
  findings: Findings,
): ServerPlace | undefined {
  const server = addressOf(url, folder);
  if (server === undefined && !url.includes('://') && parseServer(`http://${url}`) !== undefined) {
    findings.fault(path, `${findings.quote(path, url)} has no scheme; must have http:// before it`);
  } else if (server === undefined) {
    findings.fault(
      path,
      'is not the URL of a server; must be http://host:port or https://host:port, without user, path or query, or unix:/path',
    );
  }
  return server && { address: server, scheme: isHttps(url) ? 'https' : 'http' };
}

/** The address in `http://host:port`, `https://host:port` or `unix:path`; undefined for anything else. */
export function addressOf(url: string, folder: string): ServerAddress | undefined {
  const path = parseUnixPath(url);
  return path === undefined ? parseServer(url) : { path: absolute(folder, path) };
}

/** An upstream that a route names by a URL. Its name has a colon, so it is none of the file's names. */
export function upstreamDefaults(place: ServerPlace, tls: UpstreamTlsResolver): UpstreamConfig {
  const file = schema.parse({ upstreams: { anonymous: {} } }).upstreams['anonymous'] as FileUpstream;
  const server = {
    ...place,
    protocol: 'http/1.1' as const,
    weight: 1,
    backup: false,
    connections: file.limits.connections,
  };
  const isTls = place.scheme === 'https';
  const address = formatAddress(place.address);
  return upstreamFrom(
    isTls ? `https://${address}` : address,
    [server],
    isTls ? tls.default : undefined,
    file,
  );
}

function upstreamFrom(
  name: string,
  servers: readonly UpstreamServer[],
  tls: UpstreamConfig['tls'],
  { timeouts, limits, pipelining, reuse, retries, resolve, outliers, slowStart }: FileUpstream,
  { health, balance }: Pick<UpstreamConfig, 'health' | 'balance'> = {},
): UpstreamConfig {
  return {
    name,
    servers,
    ...(balance === undefined ? {} : { balance }),
    timeouts: {
      connectMs: timeouts.connect,
      responseMs: timeouts.response,
      idleMs: timeouts.idle,
      keepAliveMs: timeouts.keepAlive ?? timeouts.idle,
    },
    limits: { connections: limits.connections, waiting: limits.waiting },
    pipelining,
    reuse,
    resolveMs: resolve === 'none' ? undefined : resolve,
    ...(health === undefined ? {} : { health }),
    ...(outliers === undefined
      ? {}
      : { outliers: { failures: outliers.failures, ejectionMs: outliers.ejection, most: outliers.most } }),
    ...(slowStart === undefined ? {} : { slowStartMs: slowStart }),
    ...(tls === undefined ? {} : { tls }),
    retries,
  };
}
