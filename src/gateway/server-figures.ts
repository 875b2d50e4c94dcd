import type { Figures, HistogramFigures, NamedHistogram } from '../admin/figures.ts';
import type { AuthCounters } from '../auth/auth-counters.ts';
import type { Answers } from '../exchange/answers.ts';
import type { Tally } from '../exchange/tally.ts';
import type { CounterFamily, Histogram } from '../lib/counters.ts';
import type { ConnectionLimit } from '../limits/connection-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import type { ProxyRefusals } from './proxy-refusals.ts';
import type { Service } from './service.ts';

export interface FigureSources {
  readonly tally: Tally;
  readonly authCounters: AuthCounters;
  readonly connections: ConnectionLimit;
  readonly proxyRefusals: ProxyRefusals;
  readonly handshakes: CounterFamily;
  /** Of the configuration in force. */
  readonly service: Service;
  readonly tunnels: Tunnels;
  readonly answers: Answers;
  readonly rates: RateLimits;
}

/** The figures of a server at this moment, as plain data. */
export function serverFigures(sources: FigureSources): Figures {
  const { tally, authCounters, connections, handshakes, service, proxyRefusals } = sources;
  const { tunnels, answers, rates } = sources;
  const upstreams = [...service.upstreams.values()];
  const servers = upstreams.flatMap((upstream) => upstream.servers);
  for (const state of servers) state.review();
  return {
    requests: Array.from(tally.routes, ([route, { outcomes }]) =>
      countsOf(outcomes)
        .filter(({ count }) => count > 0)
        .map(({ label, count }) => ({ route, outcome: label, count })),
    ).flat(),
    httpRequests: countsOf(tally.protocols).map(({ label, count }) => ({ protocol: label, count })),
    requestSeconds: plain(tally.seconds),
    routeSeconds: namedOf(tally.routeSeconds),
    upstreamSeconds: namedOf(tally.upstreamSeconds),
    accessLogDropped: tally.accessLogDropped.value,
    spans: countsOf(tally.spans).map(({ label, count }) => ({ result: label, count })),
    connections: connections.open,
    h2Connections: connections.h2,
    connectionsRefused: connections.refused.value,
    proxyRefusals: countsOf(proxyRefusals.counts).map(({ label, count }) => ({ reason: label, count })),
    tlsHandshakes: countsOf(handshakes).map(({ label, count }) => ({ result: label, count })),
    tunnels: Array.from(tunnels.count(), ([route, count]) => ({ route, count })),
    tunnelEnds: countsOf(tunnels.ends).map(({ label, count }) => ({ reason: label, count })),
    answerEnds: countsOf(answers.ends).map(({ label, count }) => ({ reason: label, count })),
    rateLimited: Array.from(rates.all.keys(), (limit) => ({ limit, count: rates.refused.of(limit).value })),
    rateKeys: Array.from(rates.all, ([limit, { table }]) => ({ limit, count: table.size })),
    cacheHits: authCounters.cacheHits.value,
    cacheMisses: authCounters.cacheMisses.value,
    cacheEntries: service.authorizer.cacheEntries,
    verifyBatchSize: plain(authCounters.verifyBatchSize),
    verifyQueueDepth: service.authorizer.queueDepth,
    rejections: countsOf(tally.rejections).map(({ label, count }) => ({ reason: label, count })),
    upstreamConnections: upstreams.flatMap((upstream) => {
      const counts = upstream.count();
      return (['idle', 'busy', 'connecting', 'waiting'] as const).map((state) => ({
        upstream: upstream.name,
        state,
        count: counts[state],
      }));
    }),
    servers: servers.map(({ report }) => report),
    serverConnections: upstreams.flatMap((upstream) =>
      Array.from(upstream.connections(), ([address, count]) => ({ upstream: upstream.name, address, count })),
    ),
    upstreamFailures: upstreams.flatMap(({ name, failures }) =>
      countsOf(failures).map(({ label, count }) => ({ upstream: name, reason: label, count })),
    ),
    upstreamRetries: Array.from(tally.retries, ([upstream, family]) =>
      countsOf(family).map(({ label, count }) => ({ upstream, result: label, count })),
    ).flat(),
    refusedResponses: Array.from(tally.refusedResponses, ([upstream, family]) =>
      countsOf(family).map(({ label, count }) => ({ upstream, fault: label, count })),
    ).flat(),
  };
}

function countsOf(family: CounterFamily): { readonly label: string; readonly count: number }[] {
  return Array.from(family.members, ([label, { value }]) => ({ label, count: value }));
}

function plain({ bounds, counts, sum, exemplars }: Histogram): HistogramFigures {
  const figures = { bounds: [...bounds], counts: [...counts], sum };
  return exemplars === undefined ? figures : { ...figures, exemplars: [...exemplars] };
}

function namedOf(histograms: ReadonlyMap<string, Histogram>): NamedHistogram[] {
  return Array.from(histograms, ([name, histogram]) => ({ name, seconds: plain(histogram) }));
}
