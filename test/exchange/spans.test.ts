import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { TracingConfig } from '../../src/config/records-config.ts';
import { overTls } from '../support/engine.ts';
import { startGateway, sums, type TestOptions } from '../support/gateway.ts';
import { Origin } from '../support/origin.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { request } from '../support/wire.ts';

let origin: Origin;
let receiver: OtlpReceiver;
/** The `traceparent` fields that upstream got. */
let parents: string[] = [];
beforeEach(async () => {
  parents = [];
  receiver = await OtlpReceiver.start();
  origin = await Origin.start();
  origin.serve((text) => {
    parents.push(/\r\ntraceparent: ([^\r]*)/i.exec(text)?.[1] ?? '');
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  });
});
afterEach(async () => {
  await receiver.close();
  await origin.close();
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const loopback = [{ address: '127.0.0.1', family: 'ipv4', prefix: 32 }] as const;

interface Asked {
  readonly tracing?: Partial<TracingConfig>;
  readonly fields?: string;
  readonly options?: Partial<TestOptions>;
  readonly trusted?: boolean;
  readonly withToken?: boolean;
  readonly path?: string;
  readonly times?: number;
}

interface Seen {
  readonly spans: readonly ReceivedSpan[];
  /** What became of the spans. */
  readonly counts: Record<string, number>;
  readonly statuses: readonly number[];
}

/** Sends requests, and yields the spans that have left when the gateway has closed. */
async function ask(asked: Asked = {}): Promise<Seen> {
  const { tracing, fields = '', options, trusted = false, withToken = true, path = '/a', times = 1 } = asked;
  const gateway = await startGateway({
    upstreamPort: origin.port,
    ...options,
    config: {
      trustedProxies: trusted ? loopback : undefined,
      ...options?.config,
      tracing: { otlp: receiver.url, sample: 1, trust: 'trustedProxies', paths: false, ...tracing },
    },
  });
  const statuses: number[] = [];
  try {
    const token = withToken ? `Authorization: ${gateway.bearer()}\r\n` : '';
    for (let count = 0; count < times; count += 1) {
      const text = `GET ${path} HTTP/1.1\r\nHost: a.example:8080\r\n${token}${fields}\r\n`;
      statuses.push((await request(gateway.port, text)).status);
    }
  } finally {
    await gateway.close();
  }
  const { tally } = gateway.gateway.servers.server;
  const counts = Object.fromEntries(Array.from(tally.spans.members, ([name, { value }]) => [name, value]));
  return { spans: receiver.spans, counts, statuses };
}

const traceparent = (flags: string): string => `traceparent: 00-${TRACE}-${CALLER}-${flags}\r\n`;

describe('the span of a request', () => {
  test('has the ids of its caller and of upstream, its times, and the attributes of HTTP', async () => {
    const before = Date.now();
    const { spans, counts } = await ask({ fields: traceparent('01'), trusted: true });
    assert.equal(spans.length, 1);
    const [{ attributes, resource, startTimeUnixNano, endTimeUnixNano, ...span }] = spans as [ReceivedSpan];
    assert.equal(parents[0], `00-${TRACE}-${span.spanId}-01`);
    assert.deepEqual(
      [span.traceId, span.parentSpanId, span.name, span.kind, span.status.code],
      [TRACE, CALLER, 'GET /', 2, 0],
    );
    const [start, end] = [Number(startTimeUnixNano) / 1e6, Number(endTimeUnixNano) / 1e6];
    assert.ok(start >= before - 1 && end > start && end <= Date.now() + 1, `${before} ${start} ${end}`);
    const { 'portcullis.verification.duration': verification, ...others } = attributes;
    assert.ok(Number(verification) > 0);
    assert.deepEqual(others, {
      'http.request.method': 'GET',
      'http.route': '/',
      'http.response.status_code': 200,
      'url.scheme': overTls ? 'https' : 'http',
      'server.address': 'a.example',
      'server.port': 8080,
      'client.address': '127.0.0.1',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'http.request.body.size': 0,
      'http.response.body.size': 2,
      'portcullis.outcome': 'forwarded',
      'portcullis.token.cached': false,
      'portcullis.upstream.name': 'app',
      'portcullis.upstream.server': `127.0.0.1:${origin.port}`,
      'portcullis.upstream.attempts': 1,
    });
    assert.equal(resource['service.name'], 'portcullis');
    assert.deepEqual(counts, { exported: 1 });
  });

  test('says whether its token was known, and how long a new one took', async () => {
    const { spans } = await ask({ times: 2 });
    assert.deepEqual(
      spans.map(({ attributes }) => [
        attributes['portcullis.token.cached'],
        'portcullis.verification.duration' in attributes,
      ]),
      [
        [false, true],
        [true, false],
      ],
    );
    const { spans: open } = await ask({ options: { routes: [{ auth: 'none' }] } });
    assert.equal('portcullis.token.cached' in (open[2] as ReceivedSpan).attributes, false);
  });

  test('of a refusal has its reason and is no error; that of a failure is one', async () => {
    await ask({ withToken: false });
    const [refused] = receiver.spans as [ReceivedSpan];
    assert.deepEqual(
      [
        refused.attributes['portcullis.outcome'],
        refused.attributes['http.response.status_code'],
        refused.status.code,
      ],
      ['token_missing', 401, 0],
    );
    assert.ok(!('portcullis.upstream.name' in refused.attributes) && !('error.type' in refused.attributes));
    const upstreamPort = 1; // Nothing listens there.
    await ask({ options: { upstreamPort } });
    const failed = receiver.spans[1] as ReceivedSpan;
    assert.deepEqual(
      [failed.attributes['error.type'], failed.attributes['http.response.status_code'], failed.status.code],
      ['upstream_unreachable', 502, 2],
    );
  });

  test('has no query, token or claim, and a path only where that is asked for', async () => {
    const path = '/reset/secret-path?secret-query=1';
    await ask({ path });
    assert.doesNotMatch(receiver.text, /secret|eyJ|Bearer|"user"/);
    const { spans } = await ask({ path, tracing: { paths: true } });
    assert.equal(spans[1]?.attributes['url.path'], '/reset/secret-path');
    assert.doesNotMatch(receiver.text, /secret-query|eyJ|Bearer/);
  });

  test('has a bounded name, whatever the method is', async () => {
    const gateway = await startGateway({
      upstreamPort: origin.port,
      config: { tracing: { otlp: receiver.url, sample: 1, trust: 'nobody', paths: false } },
    });
    await request(gateway.port, 'BREW /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await gateway.close();
    const [span] = receiver.spans as [ReceivedSpan];
    assert.equal(span.name, 'HTTP /');
    assert.deepEqual(
      [span.attributes['http.request.method'], span.attributes['http.request.method_original']],
      ['_OTHER', 'BREW'],
    );
  });
});

describe('a trace is sampled', () => {
  const idOf = (parent: string | undefined): string | undefined => parent?.slice(3, 35);
  for (const [what, asked, sampled, keepsId] of [
    [
      'as a trusted caller says: yes',
      { fields: traceparent('01'), trusted: true, tracing: { sample: 0 } },
      true,
      true,
    ],
    [
      'as a trusted caller says: no',
      { fields: traceparent('00'), trusted: true, tracing: { sample: 1 } },
      false,
      true,
    ],
    [
      'by the share, whatever a stranger says: no',
      { fields: traceparent('01'), tracing: { sample: 0 } },
      false,
      true,
    ],
    [
      'by the share, whatever a stranger says: yes',
      { fields: traceparent('00'), tracing: { sample: 1 } },
      true,
      true,
    ],
    [
      'as everyone says, where that is asked for',
      { fields: traceparent('01'), tracing: { sample: 0, trust: 'everyone' } },
      true,
      true,
    ],
    [
      'as nobody says, where that is asked for',
      { fields: traceparent('01'), trusted: true, tracing: { sample: 0, trust: 'nobody' } },
      false,
      true,
    ],
    ['by the share where it begins: yes', { tracing: { sample: 1 } }, true, false],
    ['by the share where it begins: no', { tracing: { sample: 0 } }, false, false],
  ] as const) {
    test(what, async () => {
      const { spans } = await ask(asked);
      assert.equal(spans.length, sampled ? 1 : 0);
      // `Origin` hides a trace that begins here unsampled.
      assert.match(parents[0] ?? '', sampled ? /-0[13]$/ : /-00$|^$/);
      assert.equal(idOf(parents[0]) === TRACE, keepsId);
      if (sampled) assert.equal(spans[0]?.traceId, idOf(parents[0]));
    });
  }
});

describe('requests are answered, and spans counted, where the receiver', () => {
  test('refuses them', async () => {
    receiver.status = 400;
    const { statuses, counts } = await ask({ times: 3 });
    assert.deepEqual([statuses, counts], [[200, 200, 200], { failed: 3 }]);
  });

  test('is down', async () => {
    const gone = await OtlpReceiver.start();
    const { url } = gone;
    await gone.close();
    const { statuses } = await ask({ times: 3, tracing: { otlp: url } });
    assert.deepEqual(statuses, [200, 200, 200]);
  });

  test('answers nothing: they wait for it in no request, and the gateway closes all the same', async () => {
    receiver.hold();
    const { statuses } = await ask({ times: 3 });
    assert.deepEqual(statuses, [200, 200, 200]);
    assert.equal(receiver.requests, 1);
    receiver.letGo();
  });
});

test('the metric has what became of spans', async () => {
  const gateway = await startGateway({
    upstreamPort: origin.port,
    config: { tracing: { otlp: receiver.url, sample: 1, trust: 'nobody', paths: false } },
  });
  try {
    await request(gateway.port, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    let seen: Record<string, number> = {};
    while (seen['exported'] !== 1) {
      const text = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
      seen = sums((await request(gateway.adminPort, text)).body, 'portcullis_spans_total', 'result');
    }
  } finally {
    await gateway.close();
  }
});
