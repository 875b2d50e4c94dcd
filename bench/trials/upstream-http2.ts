import { haproxyToH2 } from '../gateways/haproxy.ts';
import { portcullisToH2 } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { Upstream } from '../upstream.ts';
import { sideBySide } from './side-by-side.ts';

const name = 'upstream-h2';

/** Known tokens, clients by HTTP/1.1, and a server that gets the requests by HTTP/2 without TLS. */
export const upstreamHttp2: Trial = {
  name,
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    const { setup } = bench;
    const besides = bench.gateways.some((gateway) => gateway.name === haproxyToH2.name) ? [haproxyToH2] : [];
    const upstream = await Upstream.start(setup.subprocesses, 'upstream-h2-server');
    return sideBySide(
      { ...bench, upstream, setup: { ...setup, upstreamPort: upstream.port } },
      {
        name,
        description: 'tokens in turn, all seen before; a server that speaks HTTP/2',
        gateways: [portcullisToH2, ...besides],
        baselines: [haproxyToH2.name],
        tokens: KNOWN_TOKENS,
        connections: CONNECTIONS,
      },
    );
  },
};
