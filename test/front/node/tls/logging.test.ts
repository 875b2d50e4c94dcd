import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { Authority } from '../../../support/authority.ts';
import { startGateway, sums, type TestGateway } from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { certificateConfig, connectTls, exchange, tlsConfig } from '../../../support/tls.ts';
import { request } from '../../../support/wire.ts';

const certificate = certificateConfig(new Authority('root').issue({ cn: 'site', names: ['site.example'] }));
const { log, lines } = recordingLog();
let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  origin.serve(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  gateway = await startGateway({
    upstreamPort: origin.port,
    routes: [{ auth: 'none' }],
    log,
    config: {
      listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls: tlsConfig([certificate]) }],
      log: { level: 'info', access: 1 },
    },
  });
});

after(async () => {
  await gateway.close();
  await origin.close();
});

function logged(): readonly unknown[] {
  const all = lines.splice(0) as Record<string, unknown>[];
  return all.map(({ path, protocol, tls, sni }) => [path, protocol, tls, sni]);
}

test('a line of the access log has the protocol, the version of TLS and the host named in it', async () => {
  const named = { servername: 'other.example', ALPNProtocols: ['http/1.1'] };
  const one = await connectTls(gateway.port, named);
  const both = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  assert.match(await exchange(one, both), /^HTTP\/1\.1 200 OK/);
  const old = await connectTls(gateway.port, { maxVersion: 'TLSv1.2' });
  assert.match(await exchange(old, 'GET /old HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK/);
  const session = connect(`https://127.0.0.1:${gateway.port}`, {
    rejectUnauthorized: false,
    servername: 'site.example',
  });
  const stream = session.request({ ':path': '/h2' });
  stream.resume();
  await once(stream, 'end');
  session.close();
  assert.deepEqual(logged(), [
    ['/1', 'http/1.1', 'TLSv1.3', 'other.example'],
    ['/2', 'http/1.1', 'TLSv1.3', 'other.example'],
    ['/old', 'http/1.0', 'TLSv1.2', null],
    ['/h2', 'h2', 'TLSv1.3', 'site.example'],
  ]);
});

test('the metrics count requests by protocol, and handshakes', async () => {
  const { body } = await request(
    gateway.adminPort,
    'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  );
  assert.deepEqual(sums(body, 'portcullis_http_requests_total', 'protocol'), {
    'http/1.0': 1,
    'http/1.1': 2,
    h2: 1,
  });
  assert.deepEqual(sums(body, 'portcullis_tls_handshakes_total', 'result'), { full: 3 });
});
