import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CounterFamily } from '../../src/lib/counters.ts';
import type { RequestSpan } from '../../src/trace/request-span.ts';
import { SpanExporter } from '../../src/trace/span-exporter.ts';
import { eventually, silentLog } from '../support/gateway.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const span: RequestSpan = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
  startedAt: 1_796_000_000_000.25,
  durationMs: 1.5,
  method: 'GET',
  host: '',
  path: undefined,
  client: null,
  scheme: 'http',
  protocol: 'h2',
  route: undefined,
  outcome: 'route_not_found',
  status: 404,
  requestBytes: 0,
  responseBytes: 0,
  upstream: null,
  server: null,
  attempts: 1,
  cached: undefined,
  verificationMs: undefined,
  requestId: undefined,
};

const valuesOf = (counts: CounterFamily): Record<string, number> =>
  Object.fromEntries(Array.from(counts.members, ([name, { value }]) => [name, value]));

test('a slow receiver costs spans beyond the bound, and nothing else', async () => {
  const receiver = await OtlpReceiver.start();
  const counts = new CounterFamily();
  const exporter = new SpanExporter(receiver.url, silentLog, counts);
  try {
    await exporter.open();
    receiver.hold();
    for (let count = 0; count < 128; count += 1) exporter.add(span);
    // One batch is under way.
    await eventually(
      () => receiver.requests,
      (requests) => requests === 1,
    );
    for (let count = 0; count < 2048 + 5; count += 1) exporter.add(span);
    assert.deepEqual(valuesOf(counts), { dropped: 5 });
    receiver.letGo();
    await eventually(
      () => valuesOf(counts),
      ({ exported }) => exported === 128 + 2048,
    );
    assert.equal(receiver.requests, 1 + 2048 / 128);
    assert.equal(receiver.spans.length, 128 + 2048);
  } finally {
    await exporter.close();
    await receiver.close();
  }
});

test('a span without a caller and a route has no parent, and the times of its request', async () => {
  const receiver = await OtlpReceiver.start();
  const exporter = new SpanExporter(receiver.url, silentLog, new CounterFamily());
  await exporter.open();
  exporter.add(span);
  await exporter.close();
  await receiver.close();
  const [got] = receiver.spans;
  assert.equal(got?.parentSpanId ?? '', '');
  assert.equal(got?.name, 'GET');
  assert.deepEqual(
    [got?.startTimeUnixNano, got?.endTimeUnixNano],
    ['1796000000000250000', '1796000000001750000'],
  );
  assert.deepEqual(
    [got?.attributes['network.protocol.version'], got?.attributes['url.scheme']],
    ['2', 'http'],
  );
});
