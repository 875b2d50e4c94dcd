import type { Config, TrafficAddress, UpstreamConfig } from '../config.ts';
import type { FileConfig } from '../schema/schema.ts';
import type { Findings } from './findings.ts';

/** More processes than this on one port have not been tried. */
const MAX_LISTENERS = 64;
/** More threads than this verify more tokens than one process can proxy requests. */
const MAX_AUTO_VERIFIERS = 8;
/** Of `limits.bufferedBodies`: as much as a gateway of one process must be given at least. */
const MIN_BODY_BYTES = 1024 * 1024;

/** What the numbers of processes and threads depend on. */
export interface Place {
  /** Cores for all of them. */
  readonly cores: number;
  /** The gateway is part of another program, in its one process. */
  readonly embedded: boolean;
  /** Listeners of the gateway that reads its configuration again: with `auto` their number stays when the cores change. */
  readonly running?: number | undefined;
}

/** How many processes serve, and how many threads verify in each. */
export function resolveProcesses(
  file: FileConfig,
  resolved: {
    readonly listen: readonly TrafficAddress[];
    readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  },
  place: Place,
  findings: Findings,
): Pick<Config, 'listeners' | 'verifiers'> {
  const listeners = place.embedded
    ? embedded(file, findings)
    : listenersOf(file, resolved.listen, resolved.upstreams, place, findings);
  return {
    listeners,
    verifiers: file.verifiers === 'auto' ? verifiersFor(listeners, place.cores) : file.verifiers,
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
  place: Place,
  findings: Findings,
): number {
  const wanted = file.listeners === 'auto' ? (place.running ?? 'auto') : file.listeners;
  // A unix socket belongs to the process that made it.
  const unshared = listen.length > 0 && listen.every((address) => 'path' in address);
  if (unshared && wanted !== 'auto' && wanted > 1) {
    findings.fault(
      ['listeners'],
      'is above 1, but one process alone can serve a unix socket; must be 1 or auto, or listen on a TCP address too',
    );
  }
  const most = unshared ? 1 : mostListeners(file, upstreams);
  if (wanted === 'auto') return Math.min(place.cores, MAX_LISTENERS, most);
  if (!unshared && wanted > most) {
    findings.fault(
      ['listeners'],
      `is more than the limits can be divided by; must be at most ${most}, or limits.connections, limits.connections of each upstream and every MiB of limits.bufferedBodies at least as many`,
    );
  }
  return wanted;
}

/** Limits hold for all processes together, and each needs its share of them. */
function mostListeners(file: FileConfig, upstreams: ReadonlyMap<string, UpstreamConfig>): number {
  return Math.min(
    file.limits.connections,
    Math.floor(file.limits.bufferedBodies / MIN_BODY_BYTES),
    ...Array.from(upstreams.values(), ({ limits }) => limits.connections),
  );
}

/** What is left of a listener's cores: a thread without one of its own only takes turns with the event loop. */
function verifiersFor(listeners: number, cores: number): number {
  return Math.max(0, Math.min(MAX_AUTO_VERIFIERS, Math.floor(cores / listeners) - 1));
}
