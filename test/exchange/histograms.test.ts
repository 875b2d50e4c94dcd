import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import type { MetricsConfig } from '../../src/config/records-config.ts';
import { startGateway } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
});
after(() => origin.close());

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OPEN = 'Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3\r\n';

const route = (path: string, auth?: 'none'): Partial<RouteConfig> => ({
  name: path,
  match: { host: undefined, path, methods: undefined },
  ...(auth === undefined ? {} : { auth }),
});

/** The metrics after requests for these paths, and the type of their text. */
async function scrape(
  metrics: MetricsConfig | undefined,
  paths: readonly string[],
  { fields = '', accept = '', routes = [route('/', 'none'), route('/a', 'none'), route('/b')] } = {},
): Promise<{ readonly text: string; readonly type: string }> {
  const gateway = await startGateway({ upstreamPort: origin.port, routes, config: { metrics } });
  try {
    for (const path of paths) await request(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    const head = `GET /metrics HTTP/1.1\r\nHost: localhost\r\n${accept}Connection: close\r\n\r\n`;
    const { body, fields: got } = await request(gateway.adminPort, head);
    return { text: body, type: got.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '' };
  } finally {
    await gateway.close();
  }
}

const countsIn = (text: string, metric: string): Record<string, number> =>
  Object.fromEntries(
    Array.from(
      text.matchAll(new RegExp(`^portcullis_${metric}_count\\{\\w+="([^"]*)"\\} (\\d+)$`, 'gm')),
      ([, name, count]) => [name ?? '', Number(count)],
    ),
  );

describe('a histogram of its own', () => {
  test('has each route, with all its ends, and each upstream, with its responses', async () => {
    const { text } = await scrape({ histograms: ['route', 'upstream'], exemplars: false }, [
      '/a',
      '/a',
      '/b',
      '/c',
    ]);
    assert.deepEqual(countsIn(text, 'route_request_seconds'), { '/': 1, '/a': 2, '/b': 1 });
    // The request for /b had no token.
    assert.deepEqual(countsIn(text, 'upstream_request_seconds'), { app: 3 });
    const series = text
      .split('\n')
      .filter((line) => /^portcullis_route_request_seconds.*route="\/a"/.test(line));
    assert.equal(series.length, 19);
  });

  test('has no route and no upstream that nothing asks for', async () => {
    const { text } = await scrape(undefined, ['/a']);
    assert.doesNotMatch(text, /^portcullis_(route|upstream)_request_seconds_/m);
    const { text: some } = await scrape({ histograms: ['upstream'], exemplars: false }, ['/a']);
    assert.doesNotMatch(some, /^portcullis_route_request_seconds_/m);
    assert.deepEqual(countsIn(some, 'upstream_request_seconds'), { app: 1 });
  });

  test('is shared by the routes beyond the bound', async () => {
    const routes = Array.from({ length: 203 }, (_, at) => route(`/r${at}`, 'none'));
    const paths = ['/r0', '/r199', '/r200', '/r202'];
    const { text } = await scrape({ histograms: ['route'], exemplars: false }, paths, { routes });
    const counts = countsIn(text, 'route_request_seconds');
    assert.equal(Object.keys(counts).length, 201);
    assert.deepEqual(
      [counts['/r0'], counts['/r199'], counts['/r200'], counts['other']],
      [1, 1, undefined, 2],
    );
  });
});

describe('exemplars', () => {
  const sampled = `traceparent: 00-${TRACE}-00f067aa0ba902b7-01\r\n`;
  const unsampled = sampled.replace('-01', '-00');
  const all: MetricsConfig = { histograms: ['route', 'upstream'], exemplars: true };
  const EXEMPLAR = new RegExp(
    `_bucket\\{.*\\} 1 # \\{trace_id="${TRACE}"\\} [\\d.e-]+ \\d+(\\.\\d+)?$`,
    'gm',
  );

  test('are trace ids of sampled requests, in OpenMetrics', async () => {
    const { text, type } = await scrape(all, ['/a'], { fields: sampled, accept: OPEN });
    assert.match(type, /^application\/openmetrics-text; version=1\.0\.0/);
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.deepEqual(
      (text.match(EXEMPLAR) ?? []).map((line) => line.split('{')[0]),
      ['_bucket', '_bucket', '_bucket'],
    );
    assert.match(text, /^# TYPE portcullis_requests counter\nportcullis_requests_total\{/m);
  });

  for (const [what, metrics, fields, accept] of [
    ['of traces that nobody has sampled', all, unsampled, OPEN],
    ['of requests without a trace', all, '', OPEN],
    ['for scrapers that do not accept OpenMetrics', all, sampled, ''],
    [
      'for scrapers that refuse OpenMetrics',
      all,
      sampled,
      'Accept: application/openmetrics-text;q=0, */*\r\n',
    ],
    ['where they are not configured', { ...all, exemplars: false }, sampled, OPEN],
  ] as const) {
    test(`are absent ${what}`, async () => {
      const { text, type } = await scrape(metrics, ['/a'], { fields, accept });
      assert.doesNotMatch(text, /trace_id/);
      assert.equal(/openmetrics/.test(type), metrics.exemplars && accept === OPEN);
    });
  }
});
