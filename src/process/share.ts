import type { Config, RevocationConfig, UpstreamConfig } from '../config/config.ts';

/**
 * The configuration of one of `listeners` processes: of each limit of the whole gateway its share, rounded down so that
 * all together stay within the limit, yet at least 1 of those that cannot wait until others have lent theirs (see
 * `Leases`). `waiting` bounds the memory of each and is not lent; 0 means that no request waits, and stays. The cache and
 * the verification threads are each listener's own. A listener reads what clients send, so it is not told what only
 * the supervisor needs to know.
 */
export function shareOf(config: Config, listeners: number): Config {
  const { limits } = config;
  return {
    ...config,
    limits: {
      ...limits,
      connections: share(limits.connections, listeners),
      bufferedBodies: share(limits.bufferedBodies, listeners),
    },
    upstreams: new Map(
      Array.from(config.upstreams, ([name, upstream]) => [name, upstreamShare(upstream, listeners)]),
    ),
    revocation: config.revocation && withoutSecrets(config.revocation),
  };
}

function share(whole: number, listeners: number): number {
  return whole === 0 ? 0 : Math.max(1, Math.floor(whole / listeners));
}

function upstreamShare(upstream: UpstreamConfig, listeners: number): UpstreamConfig {
  const { connections, waiting } = upstream.limits;
  return {
    ...upstream,
    limits: { connections: Math.floor(connections / listeners), waiting: share(waiting, listeners) },
  };
}

function withoutSecrets(revocation: RevocationConfig): RevocationConfig {
  const { fusionauth } = revocation;
  return {
    ...revocation,
    secret: undefined,
    redis: undefined,
    fusionauth: fusionauth && { ...fusionauth, key: undefined },
  };
}
