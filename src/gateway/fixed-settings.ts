import { isDeepStrictEqual } from 'node:util';
import type { Config, TrafficAddress } from '../config/config.ts';
import { changesEngine } from '../front/engine-of.ts';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

/** Settings that a gateway reads only at its start, by the name in the file. */
const fixed: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['admin', ({ admin }) => admin],
  ['listeners', ({ listeners }) => listeners],
  ['limits.requestHead', ({ limits }) => limits.requestHead],
  ['log.level', ({ log }) => log.level],
  ['log.format', ({ log }) => log.format],
  ['log.access.file', ({ log }) => log.accessLog?.file],
  ['log.access.syslog', ({ log }) => log.accessLog?.syslog],
  ['metrics.exemplars', ({ metrics }) => metrics?.exemplars],
  ['tracing.otlp', ({ tracing }) => tracing?.otlp],
  ['revocation', ({ revocation }) => revocation],
  ['state', ({ state }) => state],
  ['uws', ({ uws }) => uws],
];

/**
 * Whether an address would need another engine, or another part of one: no two can hold an address at a time, not even
 * for a moment.
 */
function needsAnotherFront(before: TrafficAddress, after: TrafficAddress): boolean {
  if (addressText(before) !== addressText(after)) return false;
  return changesEngine(before, after) || before.redirect !== after.redirect;
}

/** Refuses a configuration that changes a setting which a gateway reads only at its start. @throws StartError */
export function assertFixedSettings(before: Config, after: Config): void {
  const changed = fixed.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(([name]) => name);
  const moved = after.listen.find((one) => before.listen.some((known) => needsAnotherFront(known, one)));
  if (moved !== undefined) changed.push(`engine and redirect of ${addressText(moved)}`);
  if (changed.length > 0) {
    throw new StartError(`${changed.join(', ')} cannot change while the gateway runs; restart it`);
  }
}
