import type { AuthCounters } from './auth/auth-counters.ts';
import { Authorizer } from './auth/authorizer.ts';
import type { Config, RouteConfig } from './config/config.ts';
import type { Exchange, Route, Service } from './exchange.ts';
import { Budget } from './lib/budget.ts';
import type { Clock } from './lib/clock.ts';
import { Replies } from './listener/replies.ts';
import { RouteTable } from './routing/route-table.ts';
import type { Tally } from './tally.ts';
import { Pool } from './upstream/pool.ts';
import { RequestWriter } from './upstream/request-writer.ts';

/**
 * Request body bytes which all exchanges together may hold because upstream is slower than their clients. A client
 * that is asked to pause may still deliver what the kernel has received, some 6 MB each, so a flood of uploads to a
 * stuck upstream needs an end.
 */
const HELD_BODY_BYTES = 256 * 1024 * 1024;

/** What does not change when the configuration does. */
export interface Surroundings {
  readonly tally: Tally;
  readonly authCounters: AuthCounters;
  readonly clock: Clock;
  readonly readBuffer: Buffer;
  readonly draining: () => boolean;
  readonly onEnd: (exchange: Exchange) => void;
}

export interface BuiltService extends Service {
  readonly pools: ReadonlyMap<string, Pool>;
}

/** Resolves a configuration once into what exchanges use. Opens nothing yet. */
export function buildService(config: Config, surroundings: Surroundings): BuiltService {
  const { tally, authCounters, clock, readBuffer, draining, onEnd } = surroundings;
  const pools = new Map<string, Pool>();
  for (const { name, server, timeouts, limits } of config.upstreams.values()) {
    const headLimit = config.limits.responseHead;
    pools.set(name, new Pool({ name, ...server, times: timeouts, limits, headLimit, readBuffer }));
  }
  const authorizer = new Authorizer({
    issuers: config.issuers,
    cache: config.cache,
    verifiers: config.verifiers,
    haproxyOrder: config.rejection === 'haproxy',
    clock,
    counters: authCounters,
  });
  const routes = config.routes.map(
    (route): Route => ({
      name: route.name,
      match: route.match,
      access: authorizer.access(route),
      pool: poolOf(route, pools),
      forwarded: route.forward.forwarded,
      tally: tally.route(route.name),
    }),
  );
  return {
    pools,
    routes: new RouteTable(routes),
    authorizer,
    writer: new RequestWriter(config.routes.flatMap((route) => [...route.forward.headers.keys()])),
    replies: new Replies(config.rejection, config.realm),
    budget: new Budget(HELD_BODY_BYTES),
    tally,
    clock,
    requestBodyLimit: config.limits.requestBody,
    rejectChunked: config.chunkedRequests === 'reject',
    draining,
    onEnd,
  };
}

function poolOf(route: RouteConfig, pools: ReadonlyMap<string, Pool>): Pool {
  const pool = pools.get(route.upstream);
  if (pool === undefined) throw new Error(`route ${route.name} names an upstream that was not built`);
  return pool;
}
