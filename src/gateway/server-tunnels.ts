import type { Config } from '../config/config.ts';
import { Answers } from '../exchange/answers.ts';
import type { Route } from '../exchange/route.ts';
import type { Clock } from '../lib/clock.ts';
import { systemTimers } from '../lib/timers.ts';
import { RateLimits, type RateLimitsOptions } from '../limits/rate-limits.ts';
import type { RequestJudge } from '../tunnel/token-watch.ts';
import { Tunnels } from '../tunnel/tunnels.ts';
import type { Service } from './service.ts';

/** The part of the grace over which clients of tunnels are asked to go; the rest is for those that are slow. */
const DRAIN_SHARE = 0.8;

/** Puts the bounds of a configuration in force. */
function boundTunnels(tunnels: Tunnels, { limits, timeouts }: Config): void {
  tunnels.limit = limits.tunnels;
  tunnels.idleMs = timeouts.tunnelMs;
}

/** Lets tunnels end within the grace of a shutdown. */
export function drainTunnels(tunnels: Tunnels, { shutdown }: Config, graceMs: number): void {
  const afterMs = Math.min(shutdown.tunnelsMs, graceMs);
  tunnels.drain(afterMs, (graceMs - afterMs) * DRAIN_SHARE);
}

/** What outlives the configuration in which it began, and is judged by the one in force. */
export interface LongLived {
  readonly tunnels: Tunnels;
  readonly answers: Answers;
  readonly rates: RateLimits;
}

interface LongLivedOptions {
  readonly clock: Clock;
  /** See `ServerOptions`. */
  readonly charge?: RateLimitsOptions['report'];
}

/** @param server its service is that of the configuration in force. @param onIdle the last tunnel has ended. */
export function longLived(
  server: { readonly service: Service },
  config: Config,
  { clock, charge }: LongLivedOptions,
  onIdle: () => void,
): LongLived {
  const upgrades = ({ upgrades, keepsTunnels }: Route): Standing => {
    if (upgrades === undefined) return 'gone';
    return keepsTunnels ? 'kept' : 'judged';
  };
  const answers = ({ endsAnswers }: Route): Standing => (endsAnswers ? 'judged' : 'kept');
  const timers = systemTimers;
  const made = {
    tunnels: new Tunnels({ clock, timers, judge: judgeOf(server, upgrades), onIdle }),
    answers: new Answers({ clock, timers, judge: judgeOf(server, answers) }),
    rates: new RateLimits({
      clock,
      processes: charge === undefined ? 1 : config.listeners,
      report: charge,
    }),
  };
  boundTunnels(made.tunnels, config);
  return made;
}

/** Puts another configuration in force. */
export function followConfig(lasting: LongLived & { readonly service: Service }, config: Config): void {
  const { tunnels, answers, rates, service } = lasting;
  rates.follow(service.rateLimits);
  boundTunnels(tunnels, config);
  tunnels.judgeAll();
  answers.judgeAll();
}

/** What a route does with what it has let in: it does not have it any more, lets it outlive its token, or does not. */
type Standing = 'gone' | 'kept' | 'judged';

/** Judges requests that were let in before, by the configuration in force. */
function judgeOf(server: { readonly service: Service }, standing: (route: Route) => Standing): RequestJudge {
  const routeOf = (name: string): Route | undefined => server.service.routes.get(name);
  return {
    get version() {
      return server.service.authorizer.version;
    },
    judge(name, head, waiter) {
      const route = routeOf(name);
      const its = route === undefined ? 'gone' : standing(route);
      if (route === undefined || its !== 'judged') return its === 'kept' ? its : 'gone';
      return server.service.authorizer.authorize(route.policy, head, waiter);
    },
    endOf(name, head) {
      const route = routeOf(name);
      return route && server.service.authorizer.endOf(route.policy, head);
    },
  };
}
