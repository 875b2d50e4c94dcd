import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Admin, startAdmin } from '../../src/admin/server.ts';
import { request } from '../support/wire.ts';
import { FakeView } from './fake-view.ts';

async function scrape(admin: Admin): Promise<string> {
  const port = Number(admin.address.slice(admin.address.lastIndexOf(':') + 1));
  const reply = await request(port, 'GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n');
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return reply.body;
}

/** The lines about one metric, without its HELP line. */
function linesOf(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter((line) => new RegExp(`^(# TYPE )?${name}(_bucket|_sum|_count)?[ {]`).test(line));
}

async function withAdmin(view: FakeView, use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, hosts: ['admin', 'a'], view });
  try {
    await use(admin);
  } finally {
    await admin.close();
  }
}

test('every metric of the interface is present, with its labels', async () => {
  await withAdmin(new FakeView(), async (admin) => {
    const text = await scrape(admin);
    assert.deepEqual(linesOf(text, 'portcullis_requests_total'), [
      '# TYPE portcullis_requests_total counter',
      'portcullis_requests_total{route="/",outcome="200"} 3',
      'portcullis_requests_total{route="/a\\"b\\\\c\\nd",outcome="token_missing"} 1',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_access_log_dropped_total').slice(1), [
      'portcullis_access_log_dropped_total 3',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_connections').slice(1), ['portcullis_connections 9']);
    assert.deepEqual(linesOf(text, 'portcullis_connections_refused_total').slice(1), [
      'portcullis_connections_refused_total 11',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_token_cache_hits_total'), [
      '# TYPE portcullis_token_cache_hits_total counter',
      'portcullis_token_cache_hits_total 7',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_token_cache_misses_total').slice(1), [
      'portcullis_token_cache_misses_total 2',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_token_cache_entries'), [
      '# TYPE portcullis_token_cache_entries gauge',
      'portcullis_token_cache_entries 4',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_verify_queue_depth').slice(1), [
      'portcullis_verify_queue_depth 5',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_rejections_total').slice(1), [
      'portcullis_rejections_total{reason="token_missing"} 1',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_answer_ends_total').slice(1), [
      'portcullis_answer_ends_total{reason="token_revoked"} 5',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_upstream_connections'), [
      '# TYPE portcullis_upstream_connections gauge',
      'portcullis_upstream_connections{upstream="app",state="idle"} 2',
      'portcullis_upstream_connections{upstream="app",state="busy"} 1',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_upstream_failures_total').slice(1), [
      'portcullis_upstream_failures_total{upstream="app",reason="upstream_reset"} 6',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_upstream_answers_refused_total').slice(1), [
      'portcullis_upstream_answers_refused_total{upstream="app",fault="bare_lf"} 4',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_keyset_age_seconds').slice(1), [
      'portcullis_keyset_age_seconds{issuer="fusionauth"} 3.5',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_listeners').slice(1), [
      'portcullis_listeners{state="starting"} 0',
      'portcullis_listeners{state="serving"} 1',
      'portcullis_listeners{state="draining"} 1',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_listener_deaths_total').slice(1), [
      'portcullis_listener_deaths_total 1',
    ]);
    for (const [name, values] of Object.entries({
      cpu_seconds: [1.25, 1.25],
      resident_bytes: [1000, 1000],
      connections: [5, 4],
      loop_delay_seconds: [0.002, 0.002],
    })) {
      assert.deepEqual(
        linesOf(text, `portcullis_listener_${name}`).slice(1),
        values.map((value, index) => `portcullis_listener_${name}{listener="${index}"} ${value}`),
      );
    }
    assert.match(text, /^process_cpu_seconds_total /m);
    assert.match(text, /^nodejs_heap_size_used_bytes /m);
  });
});

test('histograms are cumulative, end with +Inf, and agree with their count and sum', async () => {
  const view = new FakeView();
  for (const seconds of [0.0005, 0.001, 0.05, 7]) view.requestSeconds.observe(seconds);
  await withAdmin(view, async (admin) => {
    const text = await scrape(admin);
    assert.deepEqual(linesOf(text, 'portcullis_request_seconds'), [
      '# TYPE portcullis_request_seconds histogram',
      'portcullis_request_seconds_bucket{le="0.001"} 2',
      'portcullis_request_seconds_bucket{le="0.01"} 2',
      'portcullis_request_seconds_bucket{le="0.1"} 3',
      'portcullis_request_seconds_bucket{le="+Inf"} 4',
      'portcullis_request_seconds_sum 7.0515',
      'portcullis_request_seconds_count 4',
    ]);
    assert.deepEqual(linesOf(text, 'portcullis_verify_batch_size').slice(1), [
      'portcullis_verify_batch_size_bucket{le="1"} 0',
      'portcullis_verify_batch_size_bucket{le="8"} 0',
      'portcullis_verify_batch_size_bucket{le="+Inf"} 0',
      'portcullis_verify_batch_size_sum 0',
      'portcullis_verify_batch_size_count 0',
    ]);
  });
});

test('every line is valid exposition text: declared first, no sample twice', async () => {
  await withAdmin(new FakeView(), async (admin) => {
    const text = await scrape(admin);
    const declared = new Set<string>();
    const samples = new Set<string>();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# HELP ')) continue;
      const type = /^# TYPE ([a-zA-Z_:][\w:]*) (?:counter|gauge|histogram|summary|untyped)$/.exec(line);
      if (type !== null) {
        assert.equal(declared.has(type[1] as string), false, line);
        declared.add(type[1] as string);
        continue;
      }
      const sample =
        /^(?<series>(?<name>[a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (?:[-+.\de]+|NaN|Nan|[+-]Inf)$/.exec(
          line,
        );
      assert.ok(sample?.groups, line);
      const { name = '', series = '' } = sample.groups;
      assert.ok(declared.has(name) || declared.has(name.replace(/_(?:bucket|sum|count)$/, '')), line);
      assert.equal(samples.has(series), false, line);
      samples.add(series);
    }
  });
});

test('numbers are read at each scrape, and two gateways in a process do not mix', async () => {
  const one = new FakeView();
  const other = new FakeView();
  await withAdmin(one, async (admin) => {
    await withAdmin(other, async (otherAdmin) => {
      await scrape(admin);
      one.cacheHits += 5;
      assert.match(await scrape(admin), /^portcullis_token_cache_hits_total 12$/m);
      assert.match(await scrape(otherAdmin), /^portcullis_token_cache_hits_total 7$/m);
    });
  });
});
