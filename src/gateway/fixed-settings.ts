import { isDeepStrictEqual } from 'node:util';
import type { Config, TrafficAddress } from '../config/config.ts';
import { addressText } from '../http/host-port.ts';
import { StartError } from '../lib/start-error.ts';

/** Settings that a gateway reads only at its start, by the name in the file. */
const fixed: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['admin', ({ admin }) => admin],
  ['listeners', ({ listeners }) => listeners],
  ['limits.requestHead', ({ limits }) => limits.requestHead],
  ['log.level', ({ log }) => log.level],
  ['revocation', ({ revocation }) => revocation],
  ['state', ({ state }) => state],
  ['uws', ({ uws }) => uws],
];

/** Whether one address would need another front: two cannot hold it at a time, not even for a moment. */
function changesEngine(before: TrafficAddress, after: TrafficAddress): boolean {
  return addressText(before) === addressText(after) && before.engine !== after.engine;
}

/** Refuses a configuration that changes a setting which a gateway reads only at its start. @throws StartError */
export function assertFixedSettings(before: Config, after: Config): void {
  const changed = fixed.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(([name]) => name);
  const moved = after.listen.find((address) => before.listen.some((known) => changesEngine(known, address)));
  if (moved !== undefined) changed.push(`the engine of ${addressText(moved)}`);
  if (changed.length > 0) {
    throw new StartError(`${changed.join(', ')} cannot change while the gateway runs; restart it`);
  }
}
