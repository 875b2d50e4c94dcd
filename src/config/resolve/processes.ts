import type { Config, TrafficAddress } from '../config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { UpstreamConfig } from '../upstream-config.ts';
import type { Findings } from './findings.ts';

/** Most processes on one port; more have not been tried. */
const MAX_LISTENERS = 64;
/** Most threads for `auto`; more would verify more tokens than one process can proxy requests. */
const MAX_AUTO_VERIFIERS = 8;
/** Bytes of `limits.bufferedBodies` for each process: the minimum for a gateway of one process. */
const MIN_BODY_BYTES = 1024 * 1024;

/** The surroundings that decide on the numbers of processes and threads. */
export interface Deployment {
  /** Cores for all of them. */
  readonly cores: number;
  /** The gateway is part of another program, in its one process. */
  readonly embedded: boolean;
  /** Processes of a gateway that reloads its configuration: with `auto` their number stays, even if the cores change. */
  readonly running?: number | undefined;
}

/** The number of processes that serve, and of threads that verify in each. */
export function resolveProcesses(
  file: FileConfig,
  resolved: {
    readonly listen: readonly TrafficAddress[];
    readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  },
  deployment: Deployment,
  findings: Findings,
): Pick<Config, 'listeners' | 'verifiers'> {
  const listeners = deployment.embedded
    ? embedded(file, findings)
    : listenersOf(file, resolved.listen, resolved.upstreams, deployment, findings);
  return {
    listeners,
    verifiers: file.verifiers === 'auto' ? verifiersFor(listeners, deployment.cores) : file.verifiers,
  };
}

function embedded(file: FileConfig, findings: Findings): number {
  if (file.listeners !== 'auto' && file.listeners > 1) {
    findings.warn(['listeners'], 'counts for the command start alone; an embedded gateway is one process');
  }
  return 1;
}

function listenersOf(
  file: FileConfig,
  listen: readonly TrafficAddress[],
  upstreams: ReadonlyMap<string, UpstreamConfig>,
  deployment: Deployment,
  findings: Findings,
): number {
  const wanted = file.listeners === 'auto' ? (deployment.running ?? 'auto') : file.listeners;
  // Only the process that made a unix socket can listen on it.
  const unshared = listen.length > 0 && listen.every((address) => 'path' in address);
  if (unshared && wanted !== 'auto' && wanted > 1) {
    findings.fault(
      ['listeners'],
      'is above 1, but one process alone can serve a unix socket; must be 1 or auto, or listen on a TCP address too',
    );
  }
  const most = unshared ? 1 : mostListeners(file, upstreams);
  if (wanted === 'auto') return Math.min(deployment.cores, MAX_LISTENERS, most);
  if (!unshared && wanted > most) {
    findings.fault(
      ['listeners'],
      `is more than the limits can be divided by; must be at most ${most}, or limits.connections, limits.connections of each upstream, connections of each server, and every MiB of limits.bufferedBodies at least as many`,
    );
  }
  return wanted;
}

/** Most processes for these limits: a limit holds for all of them together, and each needs its share. */
function mostListeners(file: FileConfig, upstreams: ReadonlyMap<string, UpstreamConfig>): number {
  return Math.min(
    file.limits.connections,
    Math.floor(file.limits.bufferedBodies / MIN_BODY_BYTES),
    ...Array.from(upstreams.values(), ({ limits, servers }) =>
      Math.min(limits.connections, ...servers.map(({ connections }) => connections)),
    ),
  );
}

/** Threads for the remaining cores of a process. A thread without its own core would only take turns with the event loop. */
function verifiersFor(listeners: number, cores: number): number {
  return Math.max(0, Math.min(MAX_AUTO_VERIFIERS, Math.floor(cores / listeners) - 1));
}
