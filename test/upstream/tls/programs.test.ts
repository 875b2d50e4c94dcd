// nginx and openssl s_server as upstream servers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../../bench/probe.ts';
import type { UpstreamTlsConfig } from '../../../src/config/upstream-config.ts';
import { Authority } from '../../support/authority.ts';
import { eventually, serverOf, startGateway } from '../../support/gateway.ts';
import { needs } from '../../support/programs.ts';
import { Running } from '../../support/running.ts';
import { upstreamTls } from '../../support/upstream-tls.ts';
import { request, type WireResponse } from '../../support/wire.ts';

const authority = new Authority('upstream');
const clients = new Authority('clients');
const good = authority.issue({ names: ['localhost'] });
const own = clients.issue({ cn: 'gateway' });
const running = new Running();
const { folder } = running;
after(async () => {
  await running.close();
});

/** Makes requests, each on a connection of its own, and yields the last response and what the gateway found. */
async function ask(
  port: number,
  tls: UpstreamTlsConfig,
  times = 1,
): Promise<{ response: WireResponse; cause: string | undefined }> {
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    upstreamPort: port,
    upstreamHost: 'localhost',
    upstreamTls: tls,
    reuse: false,
  });
  try {
    const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    let response = await request(gateway.port, get);
    for (let count = 1; count < times; count += 1) response = await request(gateway.port, get);
    const upstream = serverOf(gateway).service.upstreams.get('app');
    return { response, cause: upstream?.servers[0]?.report.cause };
  } finally {
    await gateway.close();
  }
}

test('nginx asks for the certificate of the gateway, and resumes its sessions', needs('nginx'), async () => {
  const port = await freePort();
  const log = join(folder, 'nginx.log');
  const config = `
    daemon off;
    pid ${join(folder, 'nginx.pid')};
    error_log ${join(folder, 'error.log')};
    events {}
    http {
      log_format tls '$ssl_protocol $ssl_session_reused $ssl_client_s_dn $ssl_server_name';
      access_log ${log} tls;
      client_body_temp_path ${join(folder, 'body')};
      proxy_temp_path ${join(folder, 'proxy')};
      fastcgi_temp_path ${join(folder, 'fastcgi')};
      uwsgi_temp_path ${join(folder, 'uwsgi')};
      scgi_temp_path ${join(folder, 'scgi')};
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_protocols TLSv1.2;
        ssl_certificate ${running.file('site.pem', good.cert)};
        ssl_certificate_key ${running.file('site.key', good.key)};
        ssl_client_certificate ${running.file('clients.pem', clients.cert)};
        ssl_verify_client on;
        ssl_session_cache shared:tls:1m;
        location / { return 200 'nginx'; }
      }
    }`;
  await running.run('nginx', ['-p', folder, '-c', running.file('nginx.conf', config)], port);
  const client = { cert: own.cert, key: own.key };
  const { response } = await ask(port, upstreamTls(authority.cert, { client }), 5);
  assert.deepEqual([response.status, response.body], [200, 'nginx']);
  const lines = await eventually(
    () => readFileSync(log, 'utf8').trim().split('\n'),
    (seen) => seen.length === 5,
  );
  assert.equal(lines[0], 'TLSv1.2 . CN=gateway localhost');
  assert.deepEqual(new Set(lines.slice(1)), new Set(['TLSv1.2 r CN=gateway localhost']));
  // Without a certificate nginx itself responds: 400, No required SSL certificate was sent.
  const without = await ask(port, upstreamTls(authority.cert));
  assert.equal(without.response.status, 400);
});

const refusals = [
  [
    'certificate_expired',
    authority.issue({ names: ['localhost'], dates: ['20200101000000Z', '20210101000000Z'] }),
  ],
  ['certificate_name', authority.issue({ names: ['elsewhere'] })],
  ['certificate_untrusted', clients.issue({ names: ['localhost'] })],
] as const;

for (const version of ['tls1_2', 'tls1_3'] as const) {
  test(`openssl s_server with ${version} only`, needs('openssl'), async () => {
    const serve = async (name: string, { cert, key }: { cert: string; key: string }): Promise<number> => {
      const port = await freePort();
      const files = ['-cert', running.file(`${name}.pem`, cert), '-key', running.file(`${name}.key`, key)];
      await running.run(
        'openssl',
        ['s_server', '-accept', `127.0.0.1:${port}`, `-${version}`, '-www', ...files],
        port,
      );
      return port;
    };
    const tls = upstreamTls(authority.cert);
    const { response } = await ask(await serve(`good-${version}`, good), tls, 3);
    assert.equal(response.status, 200);
    // The page of -www says how the session came about.
    assert.match(response.body, /^Reused, TLS/m);
    for (const [cause, certificate] of refusals) {
      const refused = await ask(await serve(`${cause}-${version}`, certificate), tls);
      assert.equal(refused.response.status, 502);
      assert.equal(refused.cause, cause);
    }
  });
}
