import type { Config, RevocationConfig, UpstreamConfig } from '../config/config.ts';

/**
 * The configuration of one of `workers` processes: of each limit of the whole gateway its share, rounded down so that
 * all together stay within the limit, yet at least 1 of those that cannot wait until others have lent theirs (see
 * `Leases`). `waiting` bounds the memory of each and is not lent; 0 means that no request waits, and stays. The cache and
 * the verification threads are each listener's own. A listener reads what clients send, so it is not told what only
 * the supervisor needs to know.
 */
export function workerConfig(config: Config, workers: number): Config {
  const { limits } = config;
  return {
    ...config,
    limits: {
      ...limits,
      connections: shareOf(limits.connections, workers),
      bufferedBodies: shareOf(limits.bufferedBodies, workers),
    },
    upstreams: new Map(
      Array.from(config.upstreams, ([name, upstream]) => [name, upstreamShare(upstream, workers)]),
    ),
    revocation: config.revocation && withoutSecrets(config.revocation),
  };
}

function shareOf(whole: number, workers: number): number {
  return whole === 0 ? 0 : Math.max(1, Math.floor(whole / workers));
}

function upstreamShare(upstream: UpstreamConfig, workers: number): UpstreamConfig {
  const { connections, waiting } = upstream.limits;
  return {
    ...upstream,
    limits: { connections: Math.floor(connections / workers), waiting: shareOf(waiting, workers) },
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
