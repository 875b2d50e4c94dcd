import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { Authority } from '../support/authority.ts';
import { eventually, serverAt, startGateway, type TestGateway, testConfig } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { needs } from '../support/programs.ts';
import { revocation } from '../support/revocation.ts';
import { Running } from '../support/running.ts';
import { certificateConfig, connectTls, exchange, tlsConfig } from '../support/tls.ts';
import { request } from '../support/wire.ts';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '..', '..', '..', 'scripts', 'monitoring');
const rulesFile = join(folder, 'prometheus-rules.yaml');

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
}

const rules = (parse(readFileSync(rulesFile, 'utf8')) as Rules).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(folder, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
const expressions: readonly (readonly [where: string, text: string])[] = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.templating.list.flatMap(({ definition }) =>
    definition === undefined ? [] : [['a variable', definition] as const],
  ),
];

/** Prometheus gives these to what it scrapes; `up` is its own. */
const LABELS_OF_PROMETHEUS = ['job', 'instance'];

const metricsIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/\b(?:portcullis|process|nodejs)_\w+/g), ([name]) => name);

/** The labels that an expression groups by or compares. */
function labelsIn(text: string): readonly string[] {
  const grouped = Array.from(text.matchAll(/\bby \(([^)]*)\)/g), ([, names = '']) =>
    names.split(/,\s*/),
  ).flat();
  const compared = Array.from(text.matchAll(/(\w+)(?:=~|!~|!=|=)"/g), ([, name = '']) => name);
  return [...grouped, ...compared];
}

/** The labels of each series by its name. */
function seriesIn(scrape: string): ReadonlyMap<string, ReadonlySet<string>> {
  const series = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of scrape.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = series.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series;
}

/** A port at which no process listens. */
const CLOSED = 1;

/** A gateway with TLS whose upstream `app` has a server that works and one that does not, and `dead` only the latter. */
function begin(origin: Origin): Promise<TestGateway> {
  const app = testConfig({ upstreamPort: origin.port, upstreamPorts: [CLOSED] }).upstreams.get('app');
  assert.ok(app);
  const certificate = certificateConfig(new Authority('root').issue({ names: ['a.example'] }));
  const health = {
    path: undefined,
    host: undefined,
    intervalMs: 60_000,
    timeoutMs: 1_000,
    rise: 1,
    // The server stays in the choice, so that requests meet it.
    fall: 1_000,
    status: [],
  };
  return startGateway({
    upstreamPort: origin.port,
    routes: [
      { name: '/', auth: 'none' },
      {
        name: '/dead',
        match: { host: undefined, path: '/dead', methods: undefined },
        auth: 'none',
        upstream: 'dead',
      },
      {
        name: '/ws',
        match: { host: undefined, path: '/ws', methods: undefined },
        auth: 'none',
        upgrade: ['websocket'],
      },
      { name: '/guarded', match: { host: undefined, path: '/guarded', methods: undefined } },
    ],
    config: {
      listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls: tlsConfig([certificate]), upgrades: true }],
      upstreams: new Map([
        ['app', { ...app, health }],
        ['dead', { ...app, name: 'dead', servers: [serverAt(CLOSED)] }],
      ]),
      revocation,
    },
  });
}

/** One request of each kind. */
async function traffic({ port, bearer }: TestGateway): Promise<void> {
  for (const path of ['/', '/dead', '/guarded']) {
    const token = path === '/guarded' ? `Authorization: ${bearer()}\r\n` : '';
    for (const authorization of new Set(['', token])) {
      const socket = await connectTls(port);
      await exchange(
        socket,
        `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${authorization}Connection: close\r\n\r\n`,
      );
    }
  }
}

/** Opens a WebSocket, which ends with the gateway. */
async function openTunnel(port: number): Promise<void> {
  const socket = await connectTls(port);
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [head] = await once(socket, 'data');
  assert.match(String(head), /^HTTP\/1\.1 101 /);
}

function respond(head: string): string {
  if (!/^upgrade: websocket/im.test(head)) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

test('the dashboard and the alerts name metrics and labels that a scrape has', async () => {
  assert.ok(rules.length > 10 && expressions.length > 40);
  const wanted = [...new Set(expressions.flatMap(([, text]) => metricsIn(text)))];
  assert.ok(wanted.length > 20);
  const origin = await Origin.start();
  origin.serve(respond);
  const gateway = await begin(origin);
  try {
    await openTunnel(gateway.port);
    let series = seriesIn('');
    await eventually(
      async () => {
        await traffic(gateway);
        const bytes = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
        series = seriesIn((await request(gateway.adminPort, bytes)).body);
        return wanted.filter((name) => !series.has(name));
      },
      (missing) => missing.length === 0,
    );
    for (const [where, text] of expressions) {
      const known = new Set(metricsIn(text).flatMap((name) => [...(series.get(name) ?? [])]));
      for (const label of labelsIn(text)) {
        assert.ok(
          known.has(label) || LABELS_OF_PROMETHEUS.includes(label),
          `${where}: no metric has ${label}`,
        );
      }
    }
  } finally {
    await gateway.close();
    await origin.close();
  }
});

describe('promtool', needs('promtool'), () => {
  const programs = new Running();
  after(() => programs.close());

  test('finds no fault in the alerts', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', '--lint-fatal', rulesFile]);
    assert.match(stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
  });

  test('raises the alerts at the figures that they are for, and not before', async () => {
    const labels = 'job="portcullis",instance="a"';
    /** Each alert that must fire, with the series that it fires at: one value a minute, for 90 minutes. */
    const cases: readonly (readonly [alert: string, ...series: (readonly [string, string])[]])[] = [
      ['PortcullisAway', [`up{${labels}}`, '0x90']],
      ['PortcullisServesNothing', [`portcullis_listeners{${labels},state="serving"}`, '0x90']],
      ['PortcullisListenersEnd', [`portcullis_listener_deaths_total{${labels}}`, '0x80 1x10']],
      ['PortcullisReloadRefused', [`portcullis_config_last_reload_success{${labels}}`, '0x90']],
      [
        'PortcullisCertificateEndsSoon',
        [`portcullis_tls_certificate_expiry_seconds{${labels},address="b",name="c"}`, '1200000x90'],
      ],
      [
        'PortcullisCertificateEnds',
        [`portcullis_tls_certificate_expiry_seconds{${labels},address="b",name="d"}`, '1209600x80 100000x10'],
      ],
      [
        'PortcullisKeysUnavailable',
        [`portcullis_rejections_total{${labels},reason="keys_unavailable"}`, '0+1x90'],
      ],
      [
        'PortcullisVerifierOverloaded',
        [`portcullis_rejections_total{${labels},reason="verifier_overloaded"}`, '0+1x90'],
      ],
      [
        'PortcullisUpstreamWithoutServers',
        [`portcullis_upstream_servers{${labels},upstream="e",state="up"}`, '0x90'],
      ],
      [
        'PortcullisUpstreamServersDown',
        [`portcullis_upstream_servers{${labels},upstream="e",state="unhealthy"}`, '1x90'],
      ],
      [
        'PortcullisUpstreamFails',
        [`portcullis_upstream_failures_total{${labels},upstream="e",reason="upstream_reset"}`, '0+6x90'],
        [`portcullis_requests_total{${labels},route="/",outcome="forwarded"}`, '0+100x90'],
      ],
      ['PortcullisConnectionsRefused', [`portcullis_connections_refused_total{${labels}}`, '0+1x90']],
      ['PortcullisHandshakesFail', [`portcullis_tls_handshakes_total{${labels},result="failed"}`, '0+60x90']],
      [
        'PortcullisEventLoopLate',
        [`portcullis_listener_loop_delay_seconds{${labels},listener="0"}`, '0.6x90'],
      ],
      ['PortcullisAccessLogDropped', [`portcullis_access_log_dropped_total{${labels}}`, '0+1x90']],
    ];
    assert.deepEqual(
      cases.map(([alert]) => alert),
      rules.map(({ alert }) => alert),
    );
    const firing = (alert: string): string => `count(ALERTS{alertname="${alert}",alertstate="firing"})`;
    const tests = cases.map(([alert, ...series]) => ({
      interval: '1m',
      input_series: series.map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        { expr: firing(alert), eval_time: '90m', exp_samples: [{ value: 1 }] },
        { expr: firing(alert), eval_time: '0m', exp_samples: [] },
      ],
    }));
    const quiet = {
      interval: '1m',
      input_series: [
        { series: `up{${labels}}`, values: '1x90' },
        { series: `portcullis_listeners{${labels},state="serving"}`, values: '2x90' },
        { series: `portcullis_config_last_reload_success{${labels}}`, values: '1x90' },
        { series: `portcullis_tls_certificate_expiry_seconds{${labels}}`, values: '1300000x90' },
        { series: `portcullis_upstream_servers{${labels},upstream="e",state="untried"}`, values: '1x90' },
        { series: `portcullis_upstream_failures_total{${labels},upstream="e"}`, values: '0+4x90' },
        { series: `portcullis_requests_total{${labels}}`, values: '0+100x90' },
        { series: `portcullis_rejections_total{${labels},reason="token_expired"}`, values: '0+9x90' },
        { series: `portcullis_tls_handshakes_total{${labels},result="full"}`, values: '0+60x90' },
        { series: `portcullis_listener_loop_delay_seconds{${labels}}`, values: '0.1x90' },
      ],
      promql_expr_test: [{ expr: 'count(ALERTS)', eval_time: '90m', exp_samples: [] }],
    };
    const file = programs.file(
      'rules-test.yaml',
      JSON.stringify({ rule_files: [rulesFile], tests: [...tests, quiet] }),
    );
    const { stdout } = await run('promtool', ['test', 'rules', file]);
    assert.match(stdout, /SUCCESS/);
  });
});
