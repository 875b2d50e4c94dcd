import type { Config } from '../config/config.ts';
import type { Route } from '../exchange/route.ts';
import type { TunnelJudge, Tunnels } from '../tunnel/tunnels.ts';
import type { Service } from './service.ts';

/** The part of the grace over which clients of tunnels are asked to go; the rest is for those that are slow. */
const DRAIN_SHARE = 0.8;
/** More than the versions of one configuration's authorizer. */
const CHANGE_STEP = 2 ** 32;

/** Puts the bounds of a configuration in force. */
export function boundTunnels(tunnels: Tunnels, { limits, timeouts }: Config): void {
  tunnels.limit = limits.tunnels;
  tunnels.idleMs = timeouts.tunnelMs;
}

/** Lets tunnels end within the grace of a shutdown. */
export function drainTunnels(tunnels: Tunnels, { shutdown }: Config, graceMs: number): void {
  const afterMs = Math.min(shutdown.tunnelsMs, graceMs);
  tunnels.drain(afterMs, (graceMs - afterMs) * DRAIN_SHARE);
}

/** The server, as the judge of its tunnels sees it. */
interface JudgingServer {
  /** Of the configuration in force. */
  readonly service: Service;
  /** Configurations that were put in force. */
  readonly changes: number;
}

/** Judges the requests of tunnels by the configuration in force. */
export function tunnelJudge(server: JudgingServer): TunnelJudge {
  const routeOf = (name: string): Route | undefined => {
    const route = server.service.routes.get(name);
    return route?.upgrades === undefined ? undefined : route;
  };
  return {
    get version() {
      return server.changes * CHANGE_STEP + server.service.authorizer.version;
    },
    judge(name, head, waiter) {
      const route = routeOf(name);
      return route === undefined ? 'gone' : server.service.authorizer.authorize(route.policy, head, waiter);
    },
    endOf(name, head) {
      const route = routeOf(name);
      return route && server.service.authorizer.endOf(route.policy, head);
    },
  };
}
