import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve as absolute } from 'node:path';
import { formatAddress, overlap } from './address.ts';
import type { Config, ListenAddress } from './config.ts';
import type { KeyPath } from './fault.ts';
import type { Findings } from './findings.ts';
import { resolveIssuers } from './resolve-issuer.ts';
import { resolveRevocation } from './resolve-revocation.ts';
import { resolveRoutes } from './resolve-route.ts';
import { resolveUpstreams } from './resolve-upstream.ts';
import type { FileConfig } from './schema.ts';
import { resolveTrustedProxies } from './trusted-proxies.ts';

/** More threads than this verify more tokens than one process can proxy requests. */
const MAX_AUTO_VERIFIERS = 8;

/** Follows every reference and reads every file. The result counts only when no fault was found. */
export function resolve(file: FileConfig, folder: string, findings: Findings): Omit<Config, 'warnings'> {
  const listen = resolveListen(file, findings);
  const issuers = resolveIssuers(file, folder, findings);
  const upstreams = resolveUpstreams(file, findings);
  const routes = resolveRoutes(file, upstreams, findings);
  const { requestHead, requestBody, responseHead, bufferedBodies, connections } = file.limits;
  const { requestsPerConnection } = file.limits;
  const { request, bodyMinRate } = file.timeouts;
  return {
    listen,
    admin: file.admin,
    verifiers:
      file.verifiers === 'auto' ? Math.min(MAX_AUTO_VERIFIERS, availableParallelism() - 1) : file.verifiers,
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
    },
    timeouts: {
      requestMs: request === 'none' ? Number.POSITIVE_INFINITY : request,
      bodyMinRate: bodyMinRate === 'none' ? 0 : bodyMinRate,
    },
    trustedProxies: resolveTrustedProxies(file.trustedProxies, findings),
    chunkedRequests: file.chunkedRequests,
    log: resolveLog(file, findings),
    revocation: resolveRevocation(file, listen, issuers, findings),
    state: resolveState(file, folder, findings),
    shutdown: { graceMs: file.shutdown.grace },
  };
}

/** A folder that is not there yet is made at start. */
function resolveState(file: FileConfig, folder: string, findings: Findings): string | undefined {
  if (file.state === undefined) return undefined;
  const state = absolute(folder, file.state);
  if (isNoFolder(state)) {
    findings.fault(['state'], 'is not a folder; must be one, or the name of one that can be made');
  }
  return state;
}

/** Whether something else has this name, or a part of it. */
function isNoFolder(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

function resolveLog(file: FileConfig, findings: Findings): Config['log'] {
  const { level, access } = file.log;
  if (access !== 'off' && (level === 'warn' || level === 'error')) {
    findings.fault(
      ['log', 'access'],
      `needs log.level info or debug, which is ${level}; must be off, or the level another`,
    );
  }
  return { level, access };
}

function resolveListen(file: FileConfig, findings: Findings): readonly ListenAddress[] {
  if (file.listen === undefined) {
    findings.missing(['listen'], 'an address such as 0.0.0.0:8080, or a list of them');
    return [];
  }
  const isList = Array.isArray(file.listen);
  const listen = [file.listen].flat() as readonly ListenAddress[];
  listen.forEach((address, index) => {
    const path: KeyPath = isList ? ['listen', index] : ['listen'];
    const twin = listen.slice(0, index).find((other) => overlap(other, address));
    if (twin !== undefined) {
      findings.fault(path, `asks for a port that ${formatAddress(twin)} has already; must be another`);
    }
  });
  if (listen.some((address) => overlap(address, file.admin)) && !findings.wasWrong(['admin'])) {
    findings.fault(['admin'], 'is an address of listen too; must be another, out of reach of the traffic');
  }
  return listen;
}
