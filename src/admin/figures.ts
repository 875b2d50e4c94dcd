import type { Exemplar } from '../lib/counters.ts';
import type { ServerReport } from '../upstream/server-report.ts';

/** Counts of observations: one for each upper bound (ascending) and one for all values above, not cumulative. */
export interface HistogramFigures {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  /** An observation for each bucket, or null; absent where there is none. */
  readonly exemplars?: readonly (Exemplar | null)[];
}

/** The histogram of one route or upstream. */
export interface NamedHistogram {
  readonly name: string;
  readonly seconds: HistogramFigures;
}

export type ConnectionState = 'idle' | 'busy' | 'connecting' | 'waiting';

/** The figures of a server at one moment: plain data, which can be added up over processes. */
export interface Figures {
  readonly requests: readonly { readonly route: string; readonly outcome: string; readonly count: number }[];
  /** Requests by the protocol of their clients. */
  readonly httpRequests: readonly { readonly protocol: string; readonly count: number }[];
  /** Seconds from the head of a request to the end of its response or reply. */
  readonly requestSeconds: HistogramFigures;
  /** The same for each route, and for responses of each upstream, where that is configured. */
  readonly routeSeconds: readonly NamedHistogram[];
  readonly upstreamSeconds: readonly NamedHistogram[];
  /** Open tunnels. */
  readonly tunnels: readonly { readonly route: string; readonly count: number }[];
  /** Tunnels that have ended. */
  readonly tunnelEnds: readonly { readonly reason: string; readonly count: number }[];
  /** Responses under way that were ended with their token. */
  readonly answerEnds: readonly { readonly reason: string; readonly count: number }[];
  /** Lines of the access log that were left out because their reader is too slow, or lost. */
  readonly accessLogDropped: number;
  /** Spans for OTLP by result: `exported`, `dropped`, `failed`. */
  readonly spans: readonly { readonly result: string; readonly count: number }[];
  /** Client connections open now. */
  readonly connections: number;
  /** Those of them that speak HTTP/2. */
  readonly h2Connections: number;
  /** Client connections closed at once, because the allowed number was open. */
  readonly connectionsRefused: number;
  /** Client connections closed for want of a PROXY protocol header. */
  readonly proxyRefusals: readonly { readonly reason: string; readonly count: number }[];
  /** TLS handshakes by how they ended. */
  readonly tlsHandshakes: readonly { readonly result: string; readonly count: number }[];
  /** Requests that limits on the rate have refused. */
  readonly rateLimited: readonly { readonly limit: string; readonly count: number }[];
  /** Keys that limits on the rate count. */
  readonly rateKeys: readonly { readonly limit: string; readonly count: number }[];
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheEntries: number;
  /** Tokens per batch handed to a verification thread. */
  readonly verifyBatchSize: HistogramFigures;
  /** Tokens that wait for a verification thread. */
  readonly verifyQueueDepth: number;
  readonly rejections: readonly { readonly reason: string; readonly count: number }[];
  readonly upstreamConnections: readonly {
    readonly upstream: string;
    readonly state: ConnectionState;
    readonly count: number;
  }[];
  readonly upstreamFailures: readonly {
    readonly upstream: string;
    readonly reason: string;
    readonly count: number;
  }[];
  /** By result: `sent`, `over_budget`, or `kept_closed` after a kept connection turned out to be closed. */
  readonly upstreamRetries: readonly {
    readonly upstream: string;
    readonly result: string;
    readonly count: number;
  }[];
  /** Responses of upstream that were refused, by the parser's name for the fault. */
  readonly refusedResponses: readonly {
    readonly upstream: string;
    readonly fault: string;
    readonly count: number;
  }[];
  readonly servers: readonly ServerReport[];
  /** Open connections and tunnels to each server. */
  readonly serverConnections: readonly {
    readonly upstream: string;
    readonly address: string;
    readonly count: number;
  }[];
}

/** One process with a server. */
export interface WorkerFigures {
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining';
  /** Seconds since it was started. */
  readonly uptimeSeconds: number;
  readonly connections: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Longest delay of its event loop in the last half minute, at least, and minute, at most. */
  readonly loopDelaySeconds: number;
}

/** A bound address, what serves it and why; see `EngineChoice`. */
export interface ServedAddress {
  readonly address: string;
  readonly engine: 'uws' | 'node';
  readonly reason: string;
}

/** The figures of all servers, added up, and of each process. */
export interface GatewayFigures {
  readonly figures: Figures;
  readonly workers: readonly WorkerFigures[];
  /** Workers that ended unasked and were replaced. */
  readonly workerDeaths: number;
  /** The same for all workers. */
  readonly engines: readonly ServedAddress[];
}

/** The figures of several servers, added up. Throws when their histograms have different buckets. */
export function addFigures(all: readonly Figures[]): Figures {
  const sum = (of: (figures: Figures) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    requests: addCounts(all.flatMap(({ requests }) => requests)),
    httpRequests: addCounts(all.flatMap(({ httpRequests }) => httpRequests)),
    requestSeconds: addHistograms(all.map(({ requestSeconds }) => requestSeconds)),
    routeSeconds: addNamed(all.flatMap(({ routeSeconds }) => routeSeconds)),
    upstreamSeconds: addNamed(all.flatMap(({ upstreamSeconds }) => upstreamSeconds)),
    tunnels: addCounts(all.flatMap(({ tunnels }) => tunnels)),
    tunnelEnds: addCounts(all.flatMap(({ tunnelEnds }) => tunnelEnds)),
    answerEnds: addCounts(all.flatMap(({ answerEnds }) => answerEnds)),
    accessLogDropped: sum((one) => one.accessLogDropped),
    spans: addCounts(all.flatMap(({ spans }) => spans)),
    connections: sum((one) => one.connections),
    h2Connections: sum((one) => one.h2Connections),
    connectionsRefused: sum((one) => one.connectionsRefused),
    proxyRefusals: addCounts(all.flatMap(({ proxyRefusals }) => proxyRefusals)),
    tlsHandshakes: addCounts(all.flatMap(({ tlsHandshakes }) => tlsHandshakes)),
    rateLimited: addCounts(all.flatMap(({ rateLimited }) => rateLimited)),
    rateKeys: addCounts(all.flatMap(({ rateKeys }) => rateKeys)),
    cacheHits: sum((one) => one.cacheHits),
    cacheMisses: sum((one) => one.cacheMisses),
    cacheEntries: sum((one) => one.cacheEntries),
    verifyBatchSize: addHistograms(all.map(({ verifyBatchSize }) => verifyBatchSize)),
    verifyQueueDepth: sum((one) => one.verifyQueueDepth),
    rejections: addCounts(all.flatMap(({ rejections }) => rejections)),
    upstreamConnections: addCounts(all.flatMap(({ upstreamConnections }) => upstreamConnections)),
    upstreamFailures: addCounts(all.flatMap(({ upstreamFailures }) => upstreamFailures)),
    upstreamRetries: addCounts(all.flatMap(({ upstreamRetries }) => upstreamRetries)),
    refusedResponses: addCounts(all.flatMap(({ refusedResponses }) => refusedResponses)),
    servers: addServers(all.flatMap(({ servers }) => servers)),
    serverConnections: addCounts(all.flatMap(({ serverConnections }) => serverConnections)),
  };
}

/** The figures that remain of a server that has ended: its counts, but not the amounts that it held. */
export function countersOf(figures: Figures): Figures {
  return {
    ...figures,
    connections: 0,
    h2Connections: 0,
    cacheEntries: 0,
    verifyQueueDepth: 0,
    upstreamConnections: [],
    tunnels: [],
    rateKeys: [],
    servers: [],
    serverConnections: [],
  };
}

/** Adds up counts with equal labels. */
function addCounts<Labelled extends { readonly count: number }>(all: readonly Labelled[]): Labelled[] {
  const sums = new Map<string, Labelled>();
  for (const one of all) {
    const key = JSON.stringify({ ...one, count: 0 });
    const known = sums.get(key);
    sums.set(key, known === undefined ? one : { ...known, count: known.count + one.count });
  }
  return [...sums.values()];
}

/**
 * An upstream server is ejected until the last process takes it back. It is down from when the first process finds it
 * down; otherwise up when a process finds it up.
 */
function addServers(all: readonly ServerReport[]): ServerReport[] {
  const servers = new Map<string, ServerReport>();
  for (const one of all) {
    const key = JSON.stringify([one.upstream, one.address]);
    const known = servers.get(key);
    if (known === undefined) {
      servers.set(key, one);
      continue;
    }
    const [first, second] = RANK[known.state] >= RANK[one.state] ? [known, one] : [one, known];
    const since = first.state === second.state ? Math.min(first.since, second.since) : first.since;
    const ejected = (known.ejected?.until ?? 0) >= (one.ejected?.until ?? 0) ? known.ejected : one.ejected;
    servers.set(key, { ...first, since, failed: known.failed + one.failed, ejected });
  }
  return [...servers.values()];
}

const RANK: Readonly<Record<ServerReport['state'], number>> = { untried: 0, up: 1, down: 2 };

function addHistograms(all: readonly HistogramFigures[]): HistogramFigures {
  const [first = { bounds: [], counts: [], sum: 0 }, ...rest] = all;
  return rest.reduce((total, { bounds, counts, sum, exemplars }) => {
    if (`${bounds}` !== `${total.bounds}`) throw new Error('figures with different buckets cannot be added');
    return {
      bounds,
      counts: counts.map((count, index) => count + (total.counts[index] ?? 0)),
      sum: sum + total.sum,
      ...latest(total.exemplars, exemplars),
    };
  }, first);
}

/** The later example of each bucket. */
function latest(
  one: HistogramFigures['exemplars'],
  other: HistogramFigures['exemplars'],
): Pick<HistogramFigures, 'exemplars'> {
  const both = [one, other].filter((exemplars) => exemplars !== undefined);
  if (both.length < 2) return both[0] === undefined ? {} : { exemplars: both[0] };
  const [first = [], second = []] = both;
  return {
    exemplars: first.map((exemplar, bucket) => {
      const rival = second[bucket] ?? null;
      return (exemplar?.at ?? 0) >= (rival?.at ?? 0) ? exemplar : rival;
    }),
  };
}

function addNamed(all: readonly NamedHistogram[]): NamedHistogram[] {
  const names = [...new Set(all.map(({ name }) => name))];
  return names.map((name) => ({
    name,
    seconds: addHistograms(all.filter((one) => one.name === name).map(({ seconds }) => seconds)),
  }));
}
