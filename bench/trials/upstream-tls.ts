import { haproxyToTls } from '../gateways/haproxy.ts';
import { portcullisToTls } from '../gateways/portcullis.ts';
import { includesOurs, type Trial } from '../measure.ts';
import { CONNECTIONS, KNOWN_TOKENS } from '../scenarios.ts';
import { Upstream } from '../upstream.ts';
import { sideBySide } from './side-by-side.ts';
import { makeCertificate, opensslMissing } from './tls.ts';

const name = 'upstream-tls';

/** Known tokens, clients without TLS, and a server that gets the requests on TLS 1.3 connections that stay open. */
export const upstreamTls: Trial = {
  name,
  unavailable: opensslMissing,
  async run(bench) {
    if (!includesOurs(bench)) return undefined;
    const { setup, directory } = bench;
    const { certificate, both } = makeCertificate(directory);
    const upstream = await Upstream.start(setup.subprocesses, 'upstream-server', [both]);
    try {
      const floor = haproxyToTls(certificate, upstream.port);
      const besides = bench.gateways.some((gateway) => gateway.name === floor.name) ? [floor] : [];
      return await sideBySide(
        { ...bench, upstream, kept: undefined },
        {
          name,
          description: 'tokens in turn, all seen before; a server that speaks TLS',
          gateways: [portcullisToTls(certificate, upstream.port), ...besides],
          baselines: [floor.name],
          tokens: KNOWN_TOKENS,
          connections: CONNECTIONS,
        },
      );
    } finally {
      await upstream.stop();
    }
  },
};
