import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
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

/** Refuses a configuration that changes a setting which a gateway reads only at its start. @throws StartError */
export function assertFixedSettings(before: Config, after: Config): void {
  const changed = fixed.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(([name]) => name);
  if (changed.length > 0) {
    throw new StartError(`${changed.join(', ')} cannot change while the gateway runs; restart it`);
  }
}
