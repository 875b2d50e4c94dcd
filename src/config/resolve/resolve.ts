import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { resolve as absolute } from 'node:path';
import type { Config, RouteConfig, TrafficAddress } from '../config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { UpstreamConfig } from '../upstream-config.ts';
import { resolveAdmin } from './admin.ts';
import { checkHashes } from './balance.ts';
import { resolveEngine } from './engine.ts';
import type { Findings } from './findings.ts';
import { resolveIssuers } from './issuer.ts';
import { listenPaths, resolveListen } from './listen.ts';
import { resolveLog } from './log.ts';
import { refuseOwnAddress } from './own-address.ts';
import { type Deployment, resolveProcesses } from './processes.ts';
import { resolveRateLimits } from './rate-limits.ts';
import { resolveRequestId } from './request-id.ts';
import { resolveRevocation } from './revocation.ts';
import { resolveRoutes } from './route.ts';
import { warnAboutSlips } from './slips.ts';
import { warnAboutNames } from './tls-names.ts';
import { resolveTracing } from './tracing.ts';
import { resolveTrustedProxies } from './trusted-proxies.ts';
import { resolveUpstreams } from './upstream.ts';
import { UpstreamTlsResolver } from './upstream-tls.ts';

/** The mark of only this gateway: one gateway may forward to another with the same file. It is no secret. */
const LOOP_MARK = randomBytes(9).toString('base64url');

/** A gateway keeps the one with which it started: files may be read in other processes. */
const RATE_SECRET: readonly [number, number] = [randomBytes(4).readInt32LE(), randomBytes(4).readInt32LE()];

/** Follows every reference and reads every file. The result is valid only if the findings have no fault. */
export function resolve(
  file: FileConfig,
  folder: string,
  deployment: Deployment,
  findings: Findings,
): Omit<Config, 'warnings'> {
  const admin = resolveAdmin(file, folder, findings);
  const listen = resolveListen(file, admin, folder, findings);
  const issuers = resolveIssuers(file, folder, findings);
  const upstreamTls = new UpstreamTlsResolver(folder, findings);
  const upstreams = resolveUpstreams(file, folder, upstreamTls, findings);
  const routes = resolveRoutes(file, folder, { upstreams, tls: upstreamTls }, findings);
  checkHashes(upstreams, routes, findings);
  refuseUpgradesByH2(routes, upstreams, findings);
  refuseOwnAddress(file, folder, listen, upstreams, findings);
  warnAboutNames(listenPaths(file), listen, routes, findings);
  warnAboutSlips(file, { routes, issuers, admin }, findings);
  const rateLimits = resolveRateLimits(file, routes, findings);
  const { requestHead, requestBody, responseHead, bufferedBodies, connections } = file.limits;
  const { requestsPerConnection, headerFields } = file.limits;
  const { request, bodyMinRate } = file.timeouts;
  return {
    listen: withUpgrades(listen, routes, findings),
    admin,
    ...resolveProcesses(file, { listen, upstreams }, deployment, findings),
    issuers,
    upstreams,
    routes,
    ...(rateLimits.size === 0 ? {} : { rateLimits, rateSecret: RATE_SECRET }),
    rejection: file.rejection,
    realm: file.realm,
    cache: { entries: file.cache.entries, bytes: file.cache.bytes },
    limits: {
      requestHead,
      requestBody: requestBody === 'unlimited' ? Number.POSITIVE_INFINITY : requestBody,
      responseHead,
      bufferedBodies,
      connections,
      requestsPerConnection:
        requestsPerConnection === 'none' ? Number.POSITIVE_INFINITY : requestsPerConnection,
      headerFields,
      tunnels: file.limits.tunnels,
    },
    timeouts: {
      requestMs: request === 'none' ? Number.POSITIVE_INFINITY : request,
      bodyMinRate: bodyMinRate === 'none' ? 0 : bodyMinRate,
      requestHeadMs: file.timeouts.requestHead,
      keepAliveMs: file.timeouts.keepAlive,
      sendMs: file.timeouts.send,
      tunnelMs: file.timeouts.tunnel,
    },
    trustedProxies: resolveTrustedProxies(file.trustedProxies, findings),
    chunkedRequests: file.chunkedRequests,
    loopMark: file.loopGuard ? LOOP_MARK : undefined,
    log: resolveLog(file, folder, findings),
    requestId: resolveRequestId(file, routes, findings),
    metrics: file.metrics,
    tracing: resolveTracing(file, findings),
    revocation: resolveRevocation(file, listen, issuers, findings),
    state: resolveState(file, folder, findings),
    uws: resolveEngine(file, folder, findings),
    shutdown: { graceMs: file.shutdown.grace, tunnelsMs: file.shutdown.tunnels },
  };
}

/** HTTP/2 has no upgrade (RFC 9113 §8.6), and the way of RFC 8441 is not spoken to servers. */
function refuseUpgradesByH2(
  routes: readonly RouteConfig[],
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  findings: Findings,
): void {
  for (const [index, { upgrade, upstream }] of routes.entries()) {
    if (upgrade === undefined) continue;
    if (upstreams.get(upstream)?.servers.some(({ protocol }) => protocol === 'h2') !== true) continue;
    findings.fault(
      ['routes', index, 'upgrade'],
      `needs servers that speak HTTP/1.1, and the upstream ${upstream} has one with protocol: h2; must be left out, or the route lead to another upstream`,
    );
  }
}

/** Addresses of a file with a route that upgrades are served by Node.js's sockets, since any request may be for it. */
function withUpgrades(
  listen: readonly TrafficAddress[],
  routes: readonly RouteConfig[],
  findings: Findings,
): readonly TrafficAddress[] {
  if (routes.every(({ upgrade }) => upgrade === undefined)) return listen;
  for (const [index, { engine }] of listen.entries()) {
    if (engine === 'uws')
      findings.fault(
        ['listen', index, 'engine'],
        'uws upgrades no connection, and a route has upgrade; must be auto or node',
      );
  }
  return listen.map((address) => ({ ...address, upgrades: true as const }));
}

/** The state folder. The gateway makes a missing one at start. */
function resolveState(file: FileConfig, folder: string, findings: Findings): string | undefined {
  if (file.state === undefined) return undefined;
  const state = absolute(folder, file.state);
  if (isNoFolder(state)) {
    findings.fault(['state'], 'is not a folder; must be one, or the name of one that can be made');
  } else if (!existsSync(state)) {
    findings.warn(
      ['state'],
      'does not exist and is made at start; another path is meant if a gateway has run here',
    );
  }
  return state;
}

/** Whether the path, or a part of it, names something other than a folder. */
function isNoFolder(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}
