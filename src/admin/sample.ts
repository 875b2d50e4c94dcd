import type { Figures, GatewayFigures, HistogramFigures } from './figures.ts';
import type { AdminView } from './view.ts';

/** Outcomes that a sample tells apart; the rest of a second is added up. A chart shows no more. */
const MAX_OUTCOMES = 12;

/** What a sample is made of: the figures at one moment. */
export interface Reading {
  /** Wall-clock milliseconds. */
  readonly at: number;
  /** Monotonic milliseconds. */
  readonly monotonic: number;
  readonly gathered: GatewayFigures;
}

/** One second of a gateway as the status page charts it: what happened since the reading before, and what there is now. */
export interface Sample {
  /** Wall-clock milliseconds of its end. */
  readonly at: number;
  readonly seconds: number;
  readonly requests: number;
  /** The most frequent ones, by word. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly otherOutcomes: number;
  /** Seconds, as `quantile` estimates them; null without a request. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheEntries: number;
  readonly verifyQueue: number;
  /** Null where nothing can be revoked. */
  readonly revocations: number | null;
  readonly connections: number;
  /** Those of them that speak HTTP/2. */
  readonly h2Connections: number;
  readonly tunnels: number;
}

/** The second between two readings. A count that fell, as that of a worker that was killed, counts as no change. */
export function sampleOf(before: Reading, now: Reading, view: Pick<AdminView, 'revocations'>): Sample {
  const [old, { figures }] = [before.gathered.figures, now.gathered];
  const [named, other] = outcomesBetween(old.requests, figures.requests);
  const latencies = histogramBetween(old.requestSeconds, figures.requestSeconds);
  return {
    at: now.at,
    seconds: Math.round(now.monotonic - before.monotonic) / 1000,
    requests: named.reduce((sum, [, count]) => sum + count, other),
    outcomes: Object.fromEntries(named),
    otherOutcomes: other,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
    cacheHits: grown(old.cacheHits, figures.cacheHits),
    cacheMisses: grown(old.cacheMisses, figures.cacheMisses),
    cacheEntries: figures.cacheEntries,
    verifyQueue: figures.verifyQueueDepth,
    revocations: view.revocations()?.entries ?? null,
    connections: figures.connections,
    h2Connections: figures.h2Connections,
    tunnels: figures.tunnels.reduce((sum, { count }) => sum + count, 0),
  };
}

/**
 * The value below which a part of the observations lies, by even spread within its bucket, as `histogram_quantile` of
 * Prometheus has it. Values above the last bound count as that bound. Null without observations.
 */
export function quantile({ bounds, counts }: HistogramFigures, part: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = part * total;
  for (const [bucket, count] of counts.entries()) {
    const above = bounds[bucket];
    if (above === undefined) break;
    if (count > 0 && left <= count) {
      const below = bounds[bucket - 1] ?? 0;
      return rounded(below + ((above - below) * left) / count);
    }
    left -= count;
  }
  return bounds.at(-1) ?? null;
}

/** Counts by outcome over all routes. */
export function outcomeCounts(requests: Figures['requests']): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { outcome, count } of requests) sums.set(outcome, (sums.get(outcome) ?? 0) + count);
  return sums;
}

function outcomesBetween(
  before: Figures['requests'],
  now: Figures['requests'],
): readonly [named: readonly (readonly [string, number])[], other: number] {
  const old = outcomeCounts(before);
  const changed = Array.from(
    outcomeCounts(now),
    ([word, count]) => [word, grown(old.get(word) ?? 0, count)] as const,
  )
    .filter(([, count]) => count > 0)
    .sort(([, one], [, two]) => two - one);
  const other = changed.slice(MAX_OUTCOMES).reduce((sum, [, count]) => sum + count, 0);
  return [changed.slice(0, MAX_OUTCOMES), other];
}

function histogramBetween(before: HistogramFigures, now: HistogramFigures): HistogramFigures {
  const counts = now.counts.map((count, bucket) => grown(before.counts[bucket] ?? 0, count));
  return { bounds: now.bounds, counts, sum: grown(before.sum, now.sum) };
}

function grown(before: number, now: number): number {
  return Math.max(0, now - before);
}

/** To microseconds. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
