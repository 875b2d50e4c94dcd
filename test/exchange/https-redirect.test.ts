import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testEngine } from '../support/engine.ts';
import { startGateway, sums, type TestGateway } from '../support/gateway.ts';
import { recordingLog } from '../support/recording-log.ts';
import { request, Wire } from '../support/wire.ts';

describe('an address that redirects to https', () => {
  const { log, lines } = recordingLog();
  let gateway: TestGateway;
  let plain: number;

  before(async () => {
    gateway = await startGateway({
      // No upstream: nothing may reach it.
      upstreamPort: 1,
      routes: [{ auth: 'none', responseHeaders: { set: new Map([['X-A', 'b']]), remove: [] } }],
      log,
      config: {
        listen: [
          { host: '127.0.0.1', port: 0, engine: testEngine, redirect: 'https' },
          { host: '127.0.0.2', port: 0, engine: testEngine },
        ],
        log: { level: 'info', access: 1 },
        chunkedRequests: 'reject',
        limits: { requestBody: 1 },
      },
    });
    const second = gateway.gateway.addresses.listen[1] as string;
    plain = Number(second.slice(second.lastIndexOf(':') + 1));
  });

  after(async () => {
    await gateway.close();
  });

  const rows: readonly (readonly [head: string, location: string])[] = [
    ['GET / HTTP/1.1\r\nHost: a.example\r\n\r\n', 'https://a.example/'],
    ['HEAD /x?y=%0d%0a&z HTTP/1.1\r\nHost: a.example:8080\r\n\r\n', 'https://a.example/x?y=%0d%0a&z'],
    ['GET /? HTTP/1.1\r\nHost: A.example:\r\n\r\n', 'https://A.example/?'],
    ['GET //evil.example/../x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', 'https://[::1]//evil.example/../x'],
    [
      'OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://b\r\nAccess-Control-Request-Method: GET\r\n\r\n',
      'https://a/x',
    ],
    ['POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody', 'https://a/x'],
    [
      'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
      'https://a/x',
    ],
  ];
  for (const [head, location] of rows) {
    test(`${head.slice(0, head.indexOf('\r\n'))} leads to ${location}`, async () => {
      const { status, headers, body } = await request(gateway.port, head);
      assert.deepEqual([status, headers.get('location'), body], [308, location, '']);
      assert.equal(headers.get('content-length'), '0');
      assert.equal(headers.get('x-a'), undefined);
    });
  }

  for (const head of [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: user@evil.example\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: \r\n\r\n',
  ]) {
    test(`refuses ${JSON.stringify(head)}`, async () => {
      const { status, headers } = await request(gateway.port, head);
      assert.deepEqual([status, headers.get('location')], [400, undefined]);
    });
  }

  test('serves one request after another, and leaves the address beside it as it is', async () => {
    const wire = await Wire.open(gateway.port);
    for (const path of ['/1', '/2']) {
      wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const { status, headers } = await wire.response();
      assert.deepEqual([status, headers.get('location')], [308, `https://a${path}`]);
    }
    wire.close();
    const other = await Wire.open(plain, '127.0.0.2');
    other.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await other.response()).status, 502);
    other.close();
  });

  test('is counted, and in the access log without the query', async () => {
    lines.length = 0;
    await request(gateway.port, 'GET /secret?token=x HTTP/1.1\r\nHost: a\r\n\r\n');
    const [line] = lines;
    const wanted = { path: '/secret', route: 'none', outcome: 'redirected', status: 308, upstream: null };
    assert.deepEqual({ ...line, ...wanted }, { ...line });
    const { body } = await request(
      gateway.adminPort,
      'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    assert.ok((sums(body, 'portcullis_requests_total', 'outcome')['redirected'] ?? 0) > 0);
    assert.equal(sums(body, 'portcullis_rejections_total', 'reason')['redirected'], undefined);
  });
});
