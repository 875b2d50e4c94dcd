import type { AdminView, KeySetView } from './admin/view.ts';
import type { AuthCounters } from './auth/auth-counters.ts';
import type { Config } from './config/config.ts';
import type { Control } from './control.ts';
import type { VerificationKey } from './keys/key.ts';
import { systemClock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import { version } from './lib/version.ts';
import type { ConnectionLimit } from './listener/connection-limit.ts';
import type { BuiltService } from './service.ts';
import type { Tally } from './tally.ts';

export interface ViewSources {
  /** The configuration in force; another one later. */
  readonly config: () => Config;
  readonly service: () => BuiltService;
  readonly control: Control;
  readonly tally: Tally;
  readonly authCounters: AuthCounters;
  readonly connections: ConnectionLimit;
  readonly log: Log;
  readonly listening: () => readonly string[];
  readonly draining: () => boolean;
}

/** What the admin address shows of a gateway. */
export function gatewayView(sources: ViewSources): AdminView {
  const { config, service, control, tally, authCounters, log } = sources;
  const startedAt = systemClock.wall();
  const startedMonotonic = systemClock.monotonic();
  const uptimeSeconds = (): number => (systemClock.monotonic() - startedMonotonic) / 1000;
  return {
    version,
    startedAt,
    uptimeSeconds,
    listeners: sources.listening,
    notReady() {
      if (sources.draining()) return [{ what: 'gateway', why: 'it is shutting down' }];
      if (sources.listening().length < config().listen.length) {
        return [{ what: 'listener', why: 'not every address is bound yet' }];
      }
      return [
        ...Array.from(control.keySets.missing(), ({ issuer, why }) => ({ what: `issuer ${issuer}`, why })),
        ...(control.revocation?.troubles() ?? []).map((why) => ({ what: 'revocation', why })),
      ];
    },
    *requests() {
      for (const [route, { outcomes }] of tally.routes) {
        for (const [outcome, { value }] of outcomes.members)
          if (value > 0) yield { route, outcome, count: value };
      }
    },
    requestSeconds: tally.seconds,
    accessLogDropped: tally.accessLogDropped,
    connections: () => sources.connections.open,
    connectionsRefused: sources.connections.refused,
    cacheHits: authCounters.cacheHits,
    cacheMisses: authCounters.cacheMisses,
    cacheEntries: () => service().authorizer.cacheEntries,
    verifyBatchSize: authCounters.verifyBatchSize,
    verifyQueueDepth: () => service().authorizer.queueDepth,
    *rejections() {
      for (const [reason, counter] of tally.rejections.members) yield { reason, count: counter.value };
    },
    *upstreamConnections() {
      for (const pool of service().pools.values()) {
        const counts = pool.count();
        for (const state of ['idle', 'busy', 'connecting', 'waiting'] as const) {
          yield { upstream: pool.name, state, count: counts[state] };
        }
      }
    },
    *upstreamFailures() {
      for (const pool of service().pools.values()) {
        for (const [reason, counter] of pool.failures.members) {
          yield { upstream: pool.name, reason, count: counter.value };
        }
      }
    },
    *keySets() {
      for (const { name, keys } of config().issuers.values()) {
        const fetched = control.keySets.of(name);
        if (fetched === undefined) yield configuredKeySet(name, keys, uptimeSeconds());
        else {
          const { kids, ageSeconds, source, lastError, nextRefreshSeconds, ignored } = fetched;
          yield { issuer: name, kids, ageSeconds, source, lastError, nextRefreshSeconds, ignored };
        }
      }
    },
    *upstreams() {
      for (const { name, server } of config().upstreams.values()) {
        // There is one server and no probing: nothing says that it is not healthy.
        yield { name, servers: [{ address: `${server.host}:${server.port}`, healthy: true }] };
      }
    },
    revocations: () => {
      const register = control.revocation?.register;
      return (
        register && {
          entries: register.size,
          // A walk over all of them: for whoever looks, not at each scrape of the metrics.
          get oldest() {
            return register.span().oldest;
          },
          get newest() {
            return register.span().newest;
          },
        }
      );
    },
    *revocationsReceived() {
      for (const [source, { value }] of control.revocation?.register.received.members ?? []) {
        yield { source, count: value };
      }
    },
    revocationsRefused: () => control.revocation?.refused() ?? [],
    fault: (error) => log.error({ error }, 'the admin address could not answer'),
  };
}

/** Keys of the configuration are as old as the gateway, and nothing fetches them. */
function configuredKeySet(issuer: string, keys: readonly VerificationKey[], ageSeconds: number): KeySetView {
  const kids = keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  return {
    issuer,
    kids,
    ageSeconds,
    source: 'configuration',
    lastError: undefined,
    nextRefreshSeconds: undefined,
    ignored: [],
  };
}
