import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestIdConfig } from '../../src/config/config.ts';
import {
  bytesAsSent,
  type RequestHead,
  type RequestLines,
  type ResponseHead,
} from '../../src/http/message.ts';
import { Networks } from '../../src/http/networks.ts';
import { Marker } from '../../src/trace/marker.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const clock = { wall: () => 0x017f22e279b0 };
const trusted = new Networks([{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }]);

function headWith(...fields: readonly (readonly [string, string])[]): RequestHead {
  return {
    method: 'GET',
    path: '/',
    query: undefined,
    names: ['host', ...fields.map(([name]) => name)],
    values: ['a', ...fields.map(([, value]) => value)],
    charset: bytesAsSent,
    host: 'a',
    authorization: undefined,
    authorizationCount: 0,
    framing: 'none',
    contentLength: 0,
    close: false,
    fault: undefined,
  };
}

const request: RequestLines = { text: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', encoding: 'latin1' };
const response: ResponseHead = {
  status: 200,
  lines: '200 OK\r\nServer: x',
  eightBit: false,
  framing: 'none',
  contentLength: 0,
};

function idOf(trust: RequestIdConfig['trust'], peer: string | undefined, ...ids: string[]): string {
  const marker = new Marker({ header: 'X-Request-Id', trust }, trusted, clock, false);
  const head = headWith(...ids.map((id) => ['x-request-id', id] as const));
  return marker.of({ head, peer: () => peer }).requestId ?? 'none';
}

const OURS = /^017f22e2-79b0-7/;

test('the id of a trusted proxy is kept, and that of others is replaced', () => {
  assert.equal(idOf('trustedProxies', '10.1.2.3', 'from-the-balancer'), 'from-the-balancer');
  assert.match(idOf('trustedProxies', '192.0.2.1', 'from-a-client'), OURS);
  assert.match(idOf('trustedProxies', undefined, 'from-a-client'), OURS);
  assert.equal(idOf('everyone', '192.0.2.1', 'from-a-client'), 'from-a-client');
  assert.match(idOf('nobody', '10.1.2.3', 'from-the-balancer'), OURS);
});

test('an id that is missing, repeated or malformed is replaced', () => {
  assert.match(idOf('everyone', '10.1.2.3'), OURS);
  assert.match(idOf('everyone', '10.1.2.3', 'first-of-them', 'second-of-them'), OURS);
  assert.match(idOf('everyone', '10.1.2.3', 'first one'), OURS);
});

test('upstream, the client and the log get the same id', () => {
  const marker = new Marker({ header: 'X-Id', trust: 'nobody' }, undefined, clock, false);
  for (const first of ['onRequest', 'onResponse'] as const) {
    const marks = marker.of({ head: headWith(), peer: () => undefined });
    if (first === 'onResponse') marks.onResponse(response);
    const [, upstream] = /\r\nX-Id: ([^\r]*)\r\n/.exec(marks.onRequest(request).text) ?? [];
    assert.match(upstream ?? '', OURS);
    assert.equal(marks.onResponse(response).lines, `200 OK\r\nServer: x\r\nX-Id: ${upstream}`);
    const reply = marks.onReply({ head: response, body: new Uint8Array(), close: false });
    assert.equal(reply.head.lines, `200 OK\r\nServer: x\r\nX-Id: ${upstream}`);
    assert.equal(marks.requestId, upstream);
  }
});

test('without the setting there is no id, and the trace is carried on', () => {
  const marker = new Marker(undefined, trusted, clock, false);
  const head = headWith(
    ['x-request-id', 'from-the-balancer'],
    ['traceparent', `00-${TRACE}-00f067aa0ba902b7-01`],
    ['tracestate', 'a=1'],
  );
  const marks = marker.of({ head, peer: () => '10.1.2.3' });
  assert.equal(marks.requestId, undefined);
  assert.equal(marks.onResponse(response), response);
  const text = marks.onRequest(request).text;
  assert.match(
    text,
    new RegExp(
      `^GET / HTTP/1\\.1\\r\\nhost: a\\r\\ntraceparent: 00-${TRACE}-[0-9a-f]{16}-01\\r\\ntracestate: a=1\\r\\n\\r\\n$`,
    ),
  );
  assert.ok(!text.includes('00f067aa0ba902b7'));
  assert.equal(marks.traceId, TRACE);
  assert.deepEqual(marker.names, ['traceparent', 'tracestate']);
});

test('a request without a trace, or with a malformed one, begins a trace', () => {
  const marker = new Marker(undefined, undefined, clock, true);
  for (const head of [headWith(), headWith(['traceparent', 'x'], ['tracestate', 'a=1'])]) {
    const marks = marker.of({ head, peer: () => undefined });
    const { text } = marks.onRequest(request);
    const [, trace] = /\r\ntraceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-02\r\n\r\n$/.exec(text) ?? [];
    assert.equal(marks.traceId, trace);
    assert.notEqual(trace, undefined);
  }
});

test('where nothing is written down, a request without a trace stays without one', () => {
  const marker = new Marker(undefined, undefined, clock, false);
  const marks = marker.of({ head: headWith(['traceparent', 'x']), peer: () => undefined });
  assert.equal(marks.onRequest(request), request);
  assert.deepEqual([marks.traceId, marks.requestId], [undefined, undefined]);
});
