import { nodeEngineUnavailable, portcullisOn } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { sideBySide } from './side-by-side.ts';

/** The gateways to compare both engines with, if they were selected. */
const OTHERS = ['haproxy-plain', 'haproxy-jwt'];

/** Known tokens by HTTP/1.1 through each engine. */
export const hitNode: Trial = {
  name: 'hit-node',
  unavailable: nodeEngineUnavailable,
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    const others = bench.gateways.filter(({ name }) => OTHERS.includes(name));
    return sideBySide(bench, {
      name: 'hit-node',
      description: 'tokens in turn, all seen before, by each engine',
      gateways: [portcullisOn('uws'), portcullisOn('node'), ...others],
      baselines: ['uws', ...OTHERS],
      tokens: KNOWN_TOKENS,
      connections: CONNECTIONS,
    });
  },
};
