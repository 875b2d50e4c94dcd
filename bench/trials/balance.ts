import { haproxyOver } from '../gateways/haproxy.ts';
import { portcullisWith } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { Upstreams } from '../upstream.ts';
import { sideBySide } from './side-by-side.ts';

const SERVERS = 3;

/** Known tokens through each way to spread requests over three servers, and HAProxy's leastconn if it was selected. */
export const balance: Trial = {
  name: 'balance-3',
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    const upstream = await Upstreams.start(bench.setup.subprocesses, SERVERS);
    try {
      const { ports } = upstream;
      const servers = ports.map((port) => `http://127.0.0.1:${port}`);
      const floor = bench.gateways.some(({ name }) => name === 'haproxy-plain') ? [haproxyOver(ports)] : [];
      const ways = Object.entries({
        'round-robin': 'balance: round-robin',
        'hash-claim': 'balance: { hash: "claim:sub" }',
      }).map(([name, keys]) => portcullisWith(name, `portcullis, ${keys}`, { servers, upstream: keys }));
      return await sideBySide(
        { ...bench, upstream, kept: undefined },
        {
          name: 'balance-3',
          description: `tokens in turn, all seen before, over ${SERVERS} servers`,
          gateways: [
            portcullisWith('least-conn', 'portcullis, the default balance', { servers }),
            ...ways,
            ...floor.filter((gateway) => gateway.unavailable() === undefined),
          ],
          baselines: ['least-conn', 'haproxy-plain'],
          tokens: KNOWN_TOKENS,
          connections: CONNECTIONS,
        },
      );
    } finally {
      await upstream.stop();
    }
  },
};
