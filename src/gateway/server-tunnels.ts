import type { Config } from '../config/config.ts';
import type { Route } from '../exchange/route.ts';
import type { TunnelJudge, Tunnels } from '../tunnel/tunnels.ts';
import type { Service } from './service.ts';

/** The part of the grace over which clients of tunnels are asked to go; the rest is for those that are slow. */
const DRAIN_SHARE = 0.8;

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

/** Judges the requests of tunnels by the configuration in force. @param server its service is that of the configuration. */
export function tunnelJudge(server: { readonly service: Service }): TunnelJudge {
  const routeOf = (name: string): Route | undefined => {
    const route = server.service.routes.get(name);
    return route?.upgrades === undefined ? undefined : route;
  };
  return {
    get version() {
      return server.service.authorizer.version;
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
