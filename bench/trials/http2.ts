import { haproxyH2c } from '../gateways/haproxy.ts';
import { nodeEngineUnavailable, portcullisH2c } from '../gateways/portcullis.ts';
import { h2load, h2loadUnavailable } from '../load/h2load.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS } from '../scenarios.ts';
import { sideBySide } from './side-by-side.ts';

/**
 * Streams of each connection, and connections. With more streams fewer connections suffice, and all requests together
 * stay below what an upstream of this gateway lets wait by default.
 */
const LOADS = [
  [1, CONNECTIONS],
  [10, 16],
  [100, 4],
] as const;

/** A known token by HTTP/2 without TLS. */
export const http2: readonly Trial[] = LOADS.map(([streams, connections]): Trial => {
  const name = `h2-${streams}`;
  return {
    name,
    unavailable: () => nodeEngineUnavailable() ?? h2loadUnavailable(),
    async run(bench) {
      if (!includesOurs(bench)) return undefined;
      const besides = bench.gateways.some((gateway) => gateway.name === haproxyH2c.name) ? [haproxyH2c] : [];
      const byHttp2 = { ...bench, load: h2load(bench.setup.subprocesses, bench.directory) };
      return sideBySide(byHttp2, {
        name,
        description: `token, seen before, by HTTP/2 with ${streams} ${streams === 1 ? 'stream' : 'streams'} on each connection`,
        gateways: [portcullisH2c, ...besides],
        baselines: [haproxyH2c.name],
        tokens: 1,
        connections,
        streams,
      });
    },
  };
});
