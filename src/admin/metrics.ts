import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Histogram as PlainHistogram } from '../lib/counters.ts';
import type { AdminView } from './view.ts';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly registers: Registry[];
}

const unlabelled = (value: number): Sample[] => [{ labels: {}, value }];

/** A counter whose total is kept elsewhere and is copied when the registry is rendered. */
function mirrorCounter(described: Described, labelNames: string[], read: () => Iterable<Sample>): void {
  new Counter({
    ...described,
    labelNames,
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

function mirrorGauge(described: Described, labelNames: string[], read: () => Iterable<Sample>): void {
  new Gauge({
    ...described,
    labelNames,
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/**
 * A histogram whose buckets are kept elsewhere. prom-client can only observe single values, so the samples it
 * asks for when rendering are made here; its buckets are cumulative and end with `+Inf`, ours are neither.
 */
class MirrorHistogram extends Histogram {
  private readonly described: Described;
  private readonly source: PlainHistogram;

  constructor(described: Described, source: PlainHistogram) {
    super({ ...described, buckets: [...source.bounds] });
    this.described = described;
    this.source = source;
  }

  async getForPromString(): Promise<object> {
    const { name, help } = this.described;
    const values: object[] = [];
    let count = 0;
    for (const [index, inBucket] of this.source.counts.entries()) {
      count += inBucket;
      const le = this.source.bounds[index] ?? '+Inf';
      values.push({ metricName: `${name}_bucket`, labels: { le }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.source.sum });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

/**
 * The registry behind `/metrics`. It is one of its own, because several gateways may live in one process and
 * prom-client's global one refuses a second metric of the same name.
 */
export function buildRegistry(view: AdminView): Registry {
  const registry = new Registry();
  const describe = (name: string, help: string): Described => ({
    name: `portcullis_${name}`,
    help,
    registers: [registry],
  });
  mirrorCounter(
    describe('requests_total', 'Requests by the route they matched and how they ended.'),
    ['route', 'outcome'],
    () => Array.from(view.requests(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  new MirrorHistogram(
    describe('request_seconds', 'Seconds from the head of a request to the end of its answer.'),
    view.requestSeconds,
  );
  mirrorCounter(
    describe('access_log_dropped_total', 'Access log lines left out because their reader is too slow.'),
    [],
    () => unlabelled(view.accessLogDropped.value),
  );
  mirrorGauge(describe('connections', 'Client connections that are open.'), [], () =>
    unlabelled(view.connections()),
  );
  mirrorCounter(
    describe('connections_refused_total', 'Client connections closed because as many as allowed were open.'),
    [],
    () => unlabelled(view.connectionsRefused.value),
  );
  mirrorCounter(describe('token_cache_hits_total', 'Tokens found already verified.'), [], () =>
    unlabelled(view.cacheHits.value),
  );
  mirrorCounter(describe('token_cache_misses_total', 'Tokens that had to be verified.'), [], () =>
    unlabelled(view.cacheMisses.value),
  );
  mirrorGauge(describe('token_cache_entries', 'Verified tokens that are remembered.'), [], () =>
    unlabelled(view.cacheEntries()),
  );
  new MirrorHistogram(
    describe('verify_batch_size', 'Tokens in one batch for a verification thread.'),
    view.verifyBatchSize,
  );
  mirrorGauge(describe('verify_queue_depth', 'Tokens that wait for a verification thread.'), [], () =>
    unlabelled(view.verifyQueueDepth()),
  );
  mirrorCounter(describe('rejections_total', 'Requests refused, by reason.'), ['reason'], () =>
    Array.from(view.rejections(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  mirrorGauge(
    describe('upstream_connections', 'Connections to upstream by state; waiting counts requests.'),
    ['upstream', 'state'],
    () => Array.from(view.upstreamConnections(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  mirrorCounter(
    describe('upstream_failures_total', 'Exchanges with upstream that failed, by reason.'),
    ['upstream', 'reason'],
    () => Array.from(view.upstreamFailures(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  mirrorGauge(describe('keyset_age_seconds', 'Seconds since the keys were read.'), ['issuer'], () =>
    Array.from(view.keySets()).flatMap(({ issuer, ageSeconds }) =>
      // An issuer without keys has no age; 0 would look like a fresh set.
      ageSeconds === undefined ? [] : [{ labels: { issuer }, value: ageSeconds }],
    ),
  );
  mirrorGauge(describe('revocations', 'Revocations in force.'), [], () => {
    const revocations = view.revocations();
    return revocations === undefined ? [] : unlabelled(revocations.entries);
  });
  mirrorCounter(
    describe('revocations_received_total', 'Revocations put in force, by who told of them.'),
    ['source'],
    () => Array.from(view.revocationsReceived(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  mirrorCounter(
    describe('revocations_refused_total', 'Requests to revoke that were refused, by who sent them.'),
    ['source'],
    () => Array.from(view.revocationsRefused(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  collectDefaultMetrics({ register: registry });
  return registry;
}
