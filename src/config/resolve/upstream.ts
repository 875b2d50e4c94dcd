import type { ListenAddress, UpstreamConfig } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { formatAddress, parseServer } from '../schema/address.ts';
import { type FileConfig, schema } from '../schema/schema.ts';
import type { FileUpstream } from '../schema/upstream.ts';
import type { Findings } from './findings.ts';

export function resolveUpstreams(file: FileConfig, findings: Findings): Map<string, UpstreamConfig> {
  const upstreams = new Map<string, UpstreamConfig>();
  for (const [name, upstream] of Object.entries(file.upstreams)) {
    const path = ['upstreams', name];
    if (findings.wasWrong(path)) continue;
    const server = onlyServer(upstream, [...path, 'servers'], findings);
    if (!upstream.reuse && upstream.pipelining > 1) {
      findings.fault(
        [...path, 'pipelining'],
        'needs connections that are used again, and reuse is false; must be left out, or reuse true',
      );
    }
    if (server !== undefined) upstreams.set(name, upstreamFrom(name, server, upstream));
  }
  return upstreams;
}

function onlyServer(upstream: FileUpstream, path: KeyPath, findings: Findings): ListenAddress | undefined {
  if (upstream.servers === undefined) {
    findings.missing(path, 'a list of URLs such as [http://127.0.0.1:9000]');
    return undefined;
  }
  const servers = upstream.servers.map((server, index) => resolveServer(server, [...path, index], findings));
  if (servers.length > 1) {
    findings.fault([...path, 1], 'more than one server is not supported yet; must be one for now');
  }
  return servers[0];
}

/** The address in the URL of a server; undefined for a fault, which goes to the findings. */
export function resolveServer(url: string, path: KeyPath, findings: Findings): ListenAddress | undefined {
  if (/^https:\/\//i.test(url)) {
    findings.fault(path, 'https is not supported yet; must be http:// for now');
    return undefined;
  }
  const server = parseServer(url);
  if (server === undefined && !url.includes('://') && parseServer(`http://${url}`) !== undefined) {
    findings.fault(path, `${findings.quote(path, url)} has no scheme; must have http:// before it`);
  } else if (server === undefined) {
    findings.fault(path, 'is not the URL of a server; must be http://host:port, without user, path or query');
  }
  return server;
}

/** An upstream that a route names by a URL. Its name has a colon, so it is none of the file's names. */
export function upstreamDefaults(server: ListenAddress): UpstreamConfig {
  const file = schema.parse({ upstreams: { anonymous: {} } }).upstreams['anonymous'] as FileUpstream;
  return upstreamFrom(formatAddress(server), server, file);
}

function upstreamFrom(
  name: string,
  server: ListenAddress,
  { timeouts, limits, pipelining, reuse }: FileUpstream,
): UpstreamConfig {
  return {
    name,
    server,
    timeouts: {
      connectMs: timeouts.connect,
      responseMs: timeouts.response,
      idleMs: timeouts.idle,
      keepAliveMs: timeouts.keepAlive ?? timeouts.idle,
    },
    limits: { connections: limits.connections, waiting: limits.waiting },
    pipelining,
    reuse,
  };
}
