import { collectDefaultMetrics, type OpenMetricsContentType, Registry } from 'prom-client';
import {
  alone,
  CopiedHistogram,
  copiedCounter,
  copiedGauge,
  type Described,
  type Sample,
  unlabelled,
} from './copied-metrics.ts';
import { addFigures, type Figures, type GatewayFigures, type WorkerFigures } from './figures.ts';
import type { AdminView, CertificateView } from './view.ts';

const OPEN_METRICS = Registry.OPENMETRICS_CONTENT_TYPE;

/**
 * The registry behind `/metrics`. Each gateway has its own, because several may live in one process and the global
 * registry of prom-client refuses a second metric of the same name.
 */
export class MetricsRegistry {
  readonly #registry = new Registry();
  /** The figures to render. A rendering reads them in the turn of the event loop in which it begins. */
  #gathered: GatewayFigures = { figures: addFigures([]), workers: [], workerDeaths: 0, engines: [] };

  /** @param openMetrics in that format, with exemplars. */
  constructor(view: AdminView, openMetrics = false) {
    // The type of a registry names one format, though it may change.
    const registry: unknown = this.#registry;
    if (openMetrics) (registry as Registry<OpenMetricsContentType>).setContentType(OPEN_METRICS);
    describeAll(this.#registry, view, () => this.#gathered);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(gathered: GatewayFigures): Promise<string> {
    this.#gathered = gathered;
    return this.#registry.metrics();
  }
}

function describeAll(registry: Registry, view: AdminView, gathered: () => GatewayFigures): void {
  const figures = (): Figures => gathered().figures;
  const describe = (name: string, help: string): Described => ({
    name: `portcullis_${name}`,
    help,
    registers: [registry],
  });
  copiedCounter(
    describe('requests_total', 'Requests by the route they matched and how they ended.'),
    ['route', 'outcome'],
    () => figures().requests.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('http_requests_total', 'Requests by the protocol of their clients.'),
    ['protocol'],
    () => figures().httpRequests.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  new CopiedHistogram(
    describe('request_seconds', 'Seconds from the head of a request to the end of its response.'),
    () => alone(figures().requestSeconds),
  );
  new CopiedHistogram(
    describe('route_request_seconds', 'The same for each route, where that is configured.'),
    () => figures().routeSeconds.map(({ name, seconds }) => ({ labels: { route: name }, figures: seconds })),
  );
  new CopiedHistogram(
    describe(
      'upstream_request_seconds',
      'The same for responses of each upstream, where that is configured.',
    ),
    () =>
      figures().upstreamSeconds.map(({ name, seconds }) => ({
        labels: { upstream: name },
        figures: seconds,
      })),
  );
  copiedCounter(
    describe('access_log_dropped_total', 'Access log lines left out because too many wait, or lost.'),
    [],
    () => unlabelled(figures().accessLogDropped),
  );
  copiedCounter(
    describe('spans_total', 'Spans of sampled requests by result: exported, dropped, failed.'),
    ['result'],
    () => figures().spans.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(describe('connections', 'Client connections that are open.'), [], () =>
    unlabelled(figures().connections),
  );
  copiedCounter(
    describe('connections_refused_total', 'Client connections closed because as many as allowed were open.'),
    [],
    () => unlabelled(figures().connectionsRefused),
  );
  copiedCounter(
    describe('proxy_headers_refused_total', 'Client connections closed for want of a PROXY protocol header.'),
    ['reason'],
    () => figures().proxyRefusals.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(describe('tls_handshakes_total', 'TLS handshakes by how they ended.'), ['result'], () =>
    figures().tlsHandshakes.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe('tls_certificate_expiry_seconds', 'Seconds until a certificate of an address expires.'),
    ['address', 'name'],
    () => Array.from(view.certificates(), certificateSample),
  );
  copiedCounter(describe('token_cache_hits_total', 'Tokens found already verified.'), [], () =>
    unlabelled(figures().cacheHits),
  );
  copiedCounter(describe('token_cache_misses_total', 'Tokens that had to be verified.'), [], () =>
    unlabelled(figures().cacheMisses),
  );
  copiedGauge(describe('token_cache_entries', 'Verified tokens that are remembered.'), [], () =>
    unlabelled(figures().cacheEntries),
  );
  new CopiedHistogram(describe('verify_batch_size', 'Tokens in one batch for a verification thread.'), () =>
    alone(figures().verifyBatchSize),
  );
  copiedGauge(describe('verify_queue_depth', 'Tokens that wait for a verification thread.'), [], () =>
    unlabelled(figures().verifyQueueDepth),
  );
  copiedCounter(describe('rejections_total', 'Requests refused, by reason.'), ['reason'], () =>
    figures().rejections.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('rate_limited_total', 'Requests that came faster than a limit allows, by limit.'),
    ['limit'],
    () => figures().rateLimited.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe('rate_limit_keys', 'Keys that the listeners count by a limit on the rate.'),
    ['limit'],
    () => figures().rateKeys.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe('tunnels', 'WebSockets and other upgraded connections that are open, by route.'),
    ['route'],
    () => figures().tunnels.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('tunnel_ends_total', 'Upgraded connections that have ended, by the reason.'),
    ['reason'],
    () => figures().tunnelEnds.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('answer_ends_total', 'Responses under way that were ended with their token, by the reason.'),
    ['reason'],
    () => figures().answerEnds.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe('upstream_connections', 'Connections to upstream by state; waiting counts requests.'),
    ['upstream', 'state'],
    () => figures().upstreamConnections.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('upstream_failures_total', 'Exchanges with upstream that failed, by reason.'),
    ['upstream', 'reason'],
    () => figures().upstreamFailures.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe(
      'upstream_retries_total',
      'Requests that were sent again, and those that the budget left out, by result.',
    ),
    ['upstream', 'result'],
    () => figures().upstreamRetries.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe(
      'config_last_reload_success',
      'Whether the last reload put its configuration in force; 1 before there was any.',
    ),
    [],
    () => unlabelled(view.configuration().lastReload?.ok === false ? 0 : 1),
  );
  copiedGauge(
    describe(
      'config_last_reload_timestamp_seconds',
      'When the last reload ended, well or not, in seconds since the epoch; the start before there was any.',
    ),
    [],
    () => {
      const { loadedAt, lastReload } = view.configuration();
      return unlabelled((lastReload?.at ?? loadedAt) / 1000);
    },
  );
  copiedCounter(
    describe('upstream_answers_refused_total', 'Responses of upstream that were refused, by fault.'),
    ['upstream', 'fault'],
    () => figures().refusedResponses.map(({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(
    describe(
      'upstream_servers',
      'Servers of an upstream by state: untried, up, down, ejected, unhealthy, drain, off.',
    ),
    ['upstream', 'state'],
    () => serverCounts(view, figures().servers),
  );
  copiedCounter(
    describe('health_checks_total', 'Checks of upstream servers by result: ok, or why they failed.'),
    ['upstream', 'result'],
    () => Array.from(view.healthChecks(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedGauge(describe('keyset_age_seconds', 'Seconds since the keys were read.'), ['issuer'], () =>
    Array.from(oldestKeySets(view), ([issuer, value]) => ({ labels: { issuer }, value })),
  );
  copiedGauge(describe('revocations', 'Revocations in force.'), [], () => {
    const revocations = view.revocations();
    return revocations === undefined ? [] : unlabelled(revocations.entries);
  });
  copiedCounter(
    describe('revocations_received_total', 'Revocations put in force, by source.'),
    ['source'],
    () => Array.from(view.revocationsReceived(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  copiedCounter(
    describe('revocations_refused_total', 'Requests to revoke that were refused, by who sent them.'),
    ['source'],
    () => Array.from(view.revocationsRefused(), ({ count, ...labels }) => ({ labels, value: count })),
  );
  describeWorkers(describe, gathered);
  collectDefaultMetrics({ register: registry });
}

/** The figures of each worker. The label is its place among the workers, because a pid is from an unbounded set. */
function describeWorkers(
  describe: (name: string, help: string) => Described,
  gathered: () => GatewayFigures,
): void {
  const each = (read: (one: WorkerFigures) => number) => (): Sample[] =>
    gathered().workers.map((one, index) => ({ labels: { listener: `${index}` }, value: read(one) }));
  copiedGauge(describe('listeners', 'Listener processes, by state.'), ['state'], () =>
    (['starting', 'serving', 'draining'] as const).map((state) => ({
      labels: { state },
      value: gathered().workers.filter((one) => one.state === state).length,
    })),
  );
  copiedCounter(
    describe('listener_deaths_total', 'Listener processes that ended unasked and were replaced.'),
    [],
    () => unlabelled(gathered().workerDeaths),
  );
  copiedGauge(
    describe('listener_cpu_seconds', 'User and system time of a listener process.'),
    ['listener'],
    each(({ cpuSeconds }) => cpuSeconds),
  );
  copiedGauge(
    describe('listener_resident_bytes', 'Memory of a listener process.'),
    ['listener'],
    each(({ residentBytes }) => residentBytes),
  );
  copiedGauge(
    describe('listener_connections', 'Client connections of a listener process.'),
    ['listener'],
    each(({ connections }) => connections),
  );
  copiedGauge(
    describe('listener_loop_delay_seconds', "Longest delay of a listener's event loop in the last minute."),
    ['listener'],
    each(({ loopDelaySeconds }) => loopDelaySeconds),
  );
}

function certificateSample({ address, name, validTo, now }: CertificateView): Sample {
  return { labels: { address, name }, value: Math.floor((validTo - now) / 1000) };
}

/** The source of keys that nothing fetches; see `KeySetView`. */
const CONFIGURATION = 'configuration';

/** The age of each issuer's keys, by name. The oldest of several fetched sources counts. */
function oldestKeySets(view: AdminView): ReadonlyMap<string, number> {
  const ages = new Map<string, number>();
  const sets = [...view.keySets()];
  for (const { issuer, ageSeconds, source } of sets) {
    // An issuer without keys has no age; 0 would look like a fresh set.
    if (ageSeconds === undefined) continue;
    // Keys of the configuration may grow old beside fetched keys.
    const isFetched = sets.some((set) => set.issuer === issuer && set.source !== CONFIGURATION);
    if (source === CONFIGURATION && isFetched) continue;
    ages.set(issuer, Math.max(ages.get(issuer) ?? 0, ageSeconds));
  }
  return ages;
}

const SERVER_STATES = ['untried', 'up', 'down', 'ejected', 'unhealthy', 'drain', 'off'] as const;

/** Each server counts once: by its operator, or by its checks, or by its requests. */
function serverCounts(view: AdminView, reports: GatewayFigures['figures']['servers']): Sample[] {
  return Array.from(view.upstreams(), ({ name, servers }) => {
    const states = servers.map(({ address, mode, health }): (typeof SERVER_STATES)[number] => {
      if (mode !== 'ready') return mode === 'drain' ? 'drain' : 'off';
      if (health?.healthy === false) return 'unhealthy';
      const report = reports.find((one) => one.upstream === name && one.address === address);
      return report?.ejected === undefined ? (report?.state ?? 'untried') : 'ejected';
    });
    return SERVER_STATES.map((state) => ({
      labels: { upstream: name, state },
      value: states.filter((one) => one === state).length,
    }));
  }).flat();
}
