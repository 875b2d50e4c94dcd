import type { Config, RevocationConfig, TrafficAddress } from '../config/config.ts';
import type { UpstreamConfig } from '../config/upstream-config.ts';
import { addressText } from '../http/host-port.ts';

export interface WorkerConfigsOptions {
  readonly config: Config;
  /** Of the configuration, with the ports that the system chose. */
  readonly addresses: readonly TrafficAddress[];
  /** The configurations in force, by index of the worker; empty at the start. */
  readonly before: readonly Config[];
  /** How many workers there are. */
  readonly workers: number;
}

/** The configuration of each worker, by its index. */
export function workerConfigs(options: WorkerConfigsOptions): readonly Config[] {
  const { config, addresses, before, workers } = options;
  const share = workerConfig(config, workers);
  const owners = ownersOf(addresses, before, workers);
  return Array.from({ length: workers }, (_, index) => ({
    ...share,
    listen: addresses.filter((address) => (owners.get(address) ?? index) === index),
  }));
}

/**
 * The configuration of one of several workers. It has a share of each limit of the whole gateway, rounded down so that
 * all together stay within the limit; the share is at least 1 where the worker cannot wait until others lend theirs (see
 * `Leases`). `waiting` bounds the memory of each worker and is not lent; 0 means that no request waits, and stays 0. The
 * cache and the verification threads are each worker's own. A worker reads what clients send, so it does not get the
 * secrets that only the supervisor needs.
 */
export function workerConfig(config: Config, workers: number): Config {
  const { limits } = config;
  const { secret: _secret, ...admin } = config.admin;
  return {
    ...config,
    admin,
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
    // Not lent: requests that find a server at its limit go to another one.
    servers: upstream.servers.map((server) => ({
      ...server,
      connections:
        server.connections === connections ? connections : Math.floor(server.connections / workers),
    })),
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

/**
 * Which worker binds which unix socket: the kernel spreads the connections of a port over workers, but not those of a
 * socket. A socket stays with its worker, because a new process with the same index takes the path over from the old one.
 */
function ownersOf(
  addresses: readonly TrafficAddress[],
  before: readonly Config[],
  workers: number,
): ReadonlyMap<TrafficAddress, number> {
  const owners = new Map<TrafficAddress, number>();
  const loads = new Array<number>(workers).fill(0);
  const own = (address: TrafficAddress, index: number): void => {
    owners.set(address, index);
    loads[index] = (loads[index] as number) + 1;
  };
  const sockets = addresses.filter((address) => 'path' in address);
  const ownerBefore = (address: TrafficAddress): number =>
    before.findIndex(({ listen }) => listen.some((known) => addressText(known) === addressText(address)));
  for (const socket of sockets) if (ownerBefore(socket) >= 0) own(socket, ownerBefore(socket));
  for (const socket of sockets) if (!owners.has(socket)) own(socket, loads.indexOf(Math.min(...loads)));
  return owners;
}
