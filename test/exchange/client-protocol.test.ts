import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byEngine, loggedTls } from '../support/engine.ts';
import type { TestGateway } from '../support/gateway.ts';
import { sums } from '../support/gateway.ts';
import type { Origin } from '../support/origin.ts';
import { publicGateway } from '../support/public-gateway.ts';
import { recordingLog } from '../support/recording-log.ts';
import { request } from '../support/wire.ts';

const { log, lines } = recordingLog();
let origin: Origin;
let gateway: TestGateway;

publicGateway(
  'once',
  (made) => {
    ({ origin, gateway } = made);
  },
  { log, config: { log: { level: 'info', access: 1 } } },
);

test('the access log and the metrics name the protocol of a client, forwarded and refused', async () => {
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const good = await request(gateway.port, 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const bad = await request(gateway.port, 'TRACE /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual([good.status, bad.status], [200, 400]);
  const refused = byEngine('the log of a refused head', { uws: 'a', node: '' });
  assert.deepEqual(
    lines
      .map((line) => line as Record<string, unknown>)
      .map(({ path, host, protocol, tls, sni }) => ({ path, host, protocol, tls, sni })),
    [
      { path: '/a', host: 'a', protocol: 'http/1.1', tls: undefined, sni: undefined, ...loggedTls },
      { path: '/b', host: refused, protocol: 'http/1.1', tls: undefined, sni: undefined, ...loggedTls },
    ],
  );
  const { body } = await request(
    gateway.adminPort,
    'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  assert.deepEqual(sums(body, 'portcullis_http_requests_total', 'protocol'), { 'http/1.1': 2 });
});
