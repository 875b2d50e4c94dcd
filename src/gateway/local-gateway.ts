import type { Config } from '../config/config.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Resolver } from '../watch/resolver.ts';
import { Gateway } from './gateway.ts';
import { LocalServers } from './local-servers.ts';

/** A gateway that serves in this process. */
export type LocalGateway = Gateway<LocalServers>;

export interface LocalGatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** See `ControlPlaneOptions.readOnly`. */
  readonly readOnly?: boolean;
  /** See `ControlPlaneOptions.resolver`. */
  readonly resolver?: Resolver;
  /** See `GatewayOptions.acceptVulnerableNode`. */
  readonly acceptVulnerableNode?: boolean;
}

/** Builds a gateway from a checked configuration; `start` opens it. */
export function createGateway(config: Config, options: LocalGatewayOptions): LocalGateway {
  const { log, clock = systemClock, readOnly, resolver, acceptVulnerableNode } = options;
  return new Gateway(config, {
    log,
    clock,
    readOnly,
    resolver,
    acceptVulnerableNode,
    servers: (parts) => new LocalServers(config, { ...parts, log, clock }),
  });
}
