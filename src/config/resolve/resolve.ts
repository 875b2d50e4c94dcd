import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { resolve as absolute } from 'node:path';
import type { AddressTerms, Config, TrafficAddress } from '../config.ts';
import type { KeyPath } from '../fault.ts';
import { formatAddress, overlap } from '../schema/address.ts';
import type { FileConfig } from '../schema/schema.ts';
import { resolveEngine } from './engine.ts';
import type { Findings } from './findings.ts';
import { resolveIssuers } from './issuer.ts';
import { refuseOwnAddress } from './own-address.ts';
import { type Deployment, resolveProcesses } from './processes.ts';
import { resolveRevocation } from './revocation.ts';
import { resolveRoutes } from './route.ts';
import { warnAboutSlips } from './slips.ts';
import { resolveTrustedProxies } from './trusted-proxies.ts';
import { resolveUpstreams } from './upstream.ts';

/** Bytes: the kernel takes 107, and the name gets a suffix while the socket is made. */
const MAX_SOCKET_PATH_BYTES = 100;

/** The mark of only this gateway: one gateway may forward to another with the same file. It is no secret. */
const LOOP_MARK = randomBytes(9).toString('base64url');

/** Follows every reference and reads every file. The result is valid only if the findings have no fault. */
export function resolve(
  file: FileConfig,
  folder: string,
  deployment: Deployment,
  findings: Findings,
): Omit<Config, 'warnings'> {
  const listen = resolveListen(file, folder, findings);
  const issuers = resolveIssuers(file, folder, findings);
  const upstreams = resolveUpstreams(file, findings);
  const routes = resolveRoutes(file, upstreams, findings);
  refuseOwnAddress(file, listen, upstreams, findings);
  warnAboutSlips(file, { routes, issuers, admin: file.admin }, findings);
  const { requestHead, requestBody, responseHead, bufferedBodies, connections } = file.limits;
  const { requestsPerConnection, headerFields } = file.limits;
  const { request, bodyMinRate } = file.timeouts;
  return {
    listen,
    admin: file.admin,
    ...resolveProcesses(file, { listen, upstreams }, deployment, findings),
    issuers,
    upstreams,
    routes,
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
    },
    timeouts: {
      requestMs: request === 'none' ? Number.POSITIVE_INFINITY : request,
      bodyMinRate: bodyMinRate === 'none' ? 0 : bodyMinRate,
      requestHeadMs: file.timeouts.requestHead,
      keepAliveMs: file.timeouts.keepAlive,
      sendMs: file.timeouts.send,
    },
    trustedProxies: resolveTrustedProxies(file.trustedProxies, findings),
    chunkedRequests: file.chunkedRequests,
    loopMark: file.loopGuard ? LOOP_MARK : undefined,
    log: resolveLog(file, findings),
    revocation: resolveRevocation(file, listen, issuers, findings),
    state: resolveState(file, folder, findings),
    uws: resolveEngine(file, folder, findings),
    shutdown: { graceMs: file.shutdown.grace },
  };
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

function resolveLog(file: FileConfig, findings: Findings): Config['log'] {
  const { level, access, refused } = file.log;
  if (level === 'warn' || level === 'error') {
    const asked = { access, refused };
    for (const key of ['access', 'refused'] as const) {
      if (asked[key] === 'off') continue;
      findings.fault(
        ['log', key],
        `needs log.level info or debug, which is ${level}; must be off, or the level another`,
      );
    }
  }
  return { level, access, ...(refused === 'details' ? { refused } : {}) };
}

/** What an address says of its connections. @param path of the address. */
function resolveTerms(
  entry: ListenEntry,
  path: KeyPath,
  file: FileConfig,
  findings: Findings,
): Omit<AddressTerms, 'engine'> {
  const proxyProtocol = 'engine' in entry ? entry.proxyProtocol : 'off';
  if (proxyProtocol === 'off') return {};
  const at = [...path, 'proxyProtocol'];
  if ('engine' in entry && entry.engine === 'uws') {
    findings.fault(
      [...path, 'engine'],
      'is uws, which does not know the PROXY protocol; must be auto or node',
    );
  }
  if (file.trustedProxies.length === 0 && !findings.wasWrong(['trustedProxies'])) {
    findings.fault(at, 'needs trustedProxies, which is empty; must be off, or they must name the proxy');
  }
  return { proxyProtocol };
}

type ListenEntry = Exclude<NonNullable<FileConfig['listen']>, readonly unknown[]>;

/** Undefined when the entry names no address. */
function resolveAddress(entry: ListenEntry, folder: string): TrafficAddress | undefined {
  const terms = 'engine' in entry ? entry : { address: entry, engine: 'auto' as const };
  const { address, engine } = terms as { address?: TrafficAddress; engine: 'auto' | 'uws' | 'node' };
  if (address === undefined) return undefined;
  const place = 'path' in address ? { path: absolute(folder, address.path) } : address;
  return engine === 'auto' ? place : { ...place, engine };
}

function resolveListen(file: FileConfig, folder: string, findings: Findings): readonly TrafficAddress[] {
  if (file.listen === undefined) {
    findings.missing(['listen'], 'an address such as 0.0.0.0:8080, or a list of them');
    return [];
  }
  const isList = Array.isArray(file.listen);
  const listen: TrafficAddress[] = [];
  [file.listen].flat().forEach((entry, index) => {
    const path: KeyPath = isList ? ['listen', index] : ['listen'];
    const place = resolveAddress(entry, folder);
    const address = place && { ...place, ...resolveTerms(entry, path, file, findings) };
    if (address === undefined) {
      findings.missing([...path, 'address'], 'an address such as 0.0.0.0:8080');
      return;
    }
    listen.push(address);
    const twin = listen.slice(0, -1).find((other) => overlap(other, address));
    const isSocket = 'path' in address;
    if (twin !== undefined) {
      const what = isSocket ? 'path' : 'port';
      findings.fault(path, `asks for a ${what} that ${formatAddress(twin)} has already; must be another`);
    }
    const bytes = isSocket ? Buffer.byteLength(address.path) : 0;
    if (bytes > MAX_SOCKET_PATH_BYTES) {
      findings.fault(
        path,
        `has a path of ${bytes} bytes, counted from the root; must be at most ${MAX_SOCKET_PATH_BYTES}`,
      );
    }
  });
  if (listen.some((address) => overlap(address, file.admin)) && !findings.wasWrong(['admin'])) {
    findings.fault(['admin'], 'is an address of listen too; must be another, out of reach of the traffic');
  }
  return listen;
}
