// nginx and HAProxy as upstream servers of HTTP/2 and gRPC.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer as createOrigin } from 'node:http';
import { connect as connectH2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { freePort } from '../../../bench/probe.ts';
import type { HealthConfig } from '../../../src/config/upstream-config.ts';
import { TlsClient } from '../../../src/upstream/tls-client.ts';
import { checkServer } from '../../../src/watch/check-server.ts';
import { Authority } from '../../support/authority.ts';
import { eventually, startGateway, type TestGateway, type TestOptions } from '../../support/gateway.ts';
import { needs } from '../../support/programs.ts';
import { Running } from '../../support/running.ts';
import { upstreamTls } from '../../support/upstream-tls.ts';
import { request } from '../../support/wire.ts';
import { EchoServer, echoClient } from './grpc-peers.ts';

const running = new Running();
const { folder } = running;
const open: (() => Promise<unknown> | undefined)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
  await running.close();
});

async function gatewayTo(port: number, more: Partial<TestOptions> = {}): Promise<TestGateway> {
  const gateway = await startGateway({
    upstreamPort: port,
    server: { protocol: 'h2' },
    config: { listen: [{ host: '127.0.0.1', port: 0, protocols: ['h2c', 'http/1.1'] }] },
    routes: [{ auth: 'none' }],
    ...more,
  });
  open.push(() => gateway.close());
  return gateway;
}

/** Sends back the body of a request, in HTTP/1.1. */
async function echoPort(): Promise<number> {
  const echo = createOrigin((asked, response) => asked.pipe(response)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  open.push(async () => {
    echo.closeAllConnections();
    echo.close();
  });
  return (echo.address() as AddressInfo).port;
}

const large = Array.from({ length: 100_000 }, (_, at) => `${at} `).join('');
const get = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n`;
const end = 'Connection: close\r\n\r\n';
const health: HealthConfig = {
  path: '/ok',
  host: undefined,
  intervalMs: 5_000,
  timeoutMs: 2_000,
  rise: 1,
  fall: 1,
  status: [[200, 200]],
};

describe('nginx behind a gateway', needs('nginx'), () => {
  const authority = new Authority('upstream');
  const site = authority.issue({ names: ['127.0.0.1'] });
  let plain: number;
  let secure: number;
  let echo: EchoServer;

  before(async () => {
    echo = await EchoServer.start();
    open.push(async () => echo.close());
    plain = await freePort();
    secure = await freePort();
    mkdirSync(join(folder, 'files'));
    running.file('files/large.txt', large);
    const locations = `
        location = /ok { return 200 'nginx $server_protocol'; }
        location = /echo { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${await echoPort()}; }
        location /files/ { root ${folder}; }
        location /test.Echo/ { grpc_pass grpc://127.0.0.1:${echo.port}; }`;
    const text = `
      daemon off;
      pid ${join(folder, 'nginx.pid')};
      error_log ${join(folder, 'error.log')};
      events {}
      http {
        access_log ${join(folder, 'access.log')};
        client_body_temp_path ${join(folder, 'body')};
        proxy_temp_path ${join(folder, 'proxy')};
        fastcgi_temp_path ${join(folder, 'fastcgi')};
        uwsgi_temp_path ${join(folder, 'uwsgi')};
        scgi_temp_path ${join(folder, 'scgi')};
        client_max_body_size 10m;
        keepalive_requests 10;
        server {
          listen 127.0.0.1:${plain} http2;
          ${locations}
        }
        server {
          listen 127.0.0.1:${secure} ssl http2;
          ssl_certificate ${running.file('site.pem', site.cert)};
          ssl_certificate_key ${running.file('site.key', site.key)};
          ${locations}
        }
      }`;
    await running.run('nginx', ['-p', folder, '-c', running.file('nginx.conf', text)], secure);
  });

  for (const isSecure of [false, true]) {
    const over = isSecure ? 'over TLS' : 'without TLS';
    const start = (): Promise<TestGateway> =>
      isSecure ? gatewayTo(secure, { upstreamTls: upstreamTls(authority.cert) }) : gatewayTo(plain);

    test(`answers requests with and without a body, ${over}`, async () => {
      const { port } = await start();
      assert.equal((await request(port, get('/ok') + end)).body, 'nginx HTTP/2.0');
      const file = await request(port, get('/files/large.txt') + end);
      assert.ok(file.body === large, `${file.status}`);
      const response = await request(port, get('/files/none') + end);
      assert.equal(response.status, 404);
      const length = `Content-Length: ${large.length}\r\n${end}${large}`;
      assert.ok((await request(port, get('/echo', 'POST') + length)).body === large);
      const pieces = `Transfer-Encoding: chunked\r\n${end}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`;
      assert.equal((await request(port, get('/echo', 'POST') + pieces)).body, 'hello world');
      const empty = `Transfer-Encoding: chunked\r\n${end}0\r\n\r\n`;
      assert.deepEqual((await request(port, get('/echo', 'POST') + empty)).status, 200);
    });

    test(`ends connections by GOAWAY, and each request reaches it once, ${over}`, async () => {
      const { port } = await start();
      const log = (): number =>
        readFileSync(join(folder, 'access.log'), 'utf8').split('/ok?count').length - 1;
      const before = log();
      for (let round = 0; round < 5; round += 1) {
        const all = Array.from({ length: 20 }, () => request(port, get('/ok?count', 'POST') + end));
        for (const { status } of await Promise.all(all)) assert.equal(status, 200);
      }
      await eventually(log, (count) => count >= before + 100);
      assert.equal(log(), before + 100);
    });

    test(`is checked by HTTP/2, ${over}`, async () => {
      const port = isSecure ? secure : plain;
      const address = { host: '127.0.0.1', port };
      const target = { address, protocol: 'h2', health, host: 'a' } as const;
      const its = new TlsClient(upstreamTls(authority.cert), '127.0.0.1');
      const checked = isSecure ? { ...target, secure: () => its.connect(address, 'h2') } : target;
      const { signal } = new AbortController();
      assert.deepEqual(await checkServer(checked, signal), { ok: true, detail: 'status 200' });
      const none = { ...checked, health: { ...health, path: '/files/none' } };
      assert.deepEqual(await checkServer(none, signal), {
        ok: false,
        cause: 'wrong_status',
        detail: 'status 404',
      });
    });
  }

  test('carries calls of gRPC, with their trailers', async () => {
    const gateway = await gatewayTo(plain);
    const client = echoClient(gateway.port);
    open.push(async () => client.close());
    const call = (message: string): Promise<[grpc.ServiceError | null, string | undefined]> =>
      new Promise((done) =>
        client.unary(message, new grpc.Metadata(), {}, (error, value) => done([error, value])),
      );
    assert.deepEqual(await call('hello'), [null, 'hello!']);
    const [error] = await call('refuse');
    assert.deepEqual([error?.code, error?.details], [grpc.status.NOT_FOUND, 'no such thing']);
    const messages: string[] = [];
    for await (const message of client.download('50', new grpc.Metadata())) messages.push(message);
    assert.equal(messages.length, 50);
    const talk = client.talk(new grpc.Metadata());
    talk.write('one');
    const [first] = await once(talk, 'data');
    assert.equal(first, 'ONE');
    const ended = once(talk, 'end');
    talk.end();
    talk.resume();
    await ended;
  });
});

test('HAProxy behind a gateway answers by HTTP/2', needs('haproxy'), async () => {
  const port = await freePort();
  const config = `
defaults
  mode http
  timeout client 10s
  timeout connect 5s
  timeout server 10s
listen app
  bind 127.0.0.1:${port} proto h2
  http-request return status 200 content-type text/plain string haproxy if { path /ok }
  http-request return status 503 if { path /ill }
  server echo 127.0.0.1:${await echoPort()}
`;
  await running.run('haproxy', ['-db', '-f', running.file('haproxy.cfg', config)], port);
  const gateway = await gatewayTo(port);
  assert.equal((await request(gateway.port, get('/ok') + end)).body, 'haproxy');
  assert.equal((await request(gateway.port, get('/ill') + end)).status, 503);
  const length = `Content-Length: ${large.length}\r\n${end}${large}`;
  assert.ok((await request(gateway.port, get('/echo', 'POST') + length)).body === large);
  const empty = `Transfer-Encoding: chunked\r\n${end}0\r\n\r\n`;
  assert.equal((await request(gateway.port, get('/echo', 'POST') + empty)).status, 200);
});

test('nghttpd behind a gateway answers, with trailers', needs('nghttpd'), async () => {
  const port = await freePort();
  mkdirSync(join(folder, 'nghttpd'));
  running.file('nghttpd/large.txt', large);
  await running.run(
    'nghttpd',
    [
      '--no-tls',
      '--address=127.0.0.1',
      '-d',
      join(folder, 'nghttpd'),
      '--echo-upload',
      '--trailer=x-sum: 42',
      `${port}`,
    ],
    port,
  );
  const gateway = await gatewayTo(port);
  assert.ok((await request(gateway.port, get('/large.txt') + end)).body === large);
  assert.equal((await request(gateway.port, get('/none') + end)).status, 404);
  const length = `Content-Length: ${large.length}\r\n${end}${large}`;
  assert.ok((await request(gateway.port, get('/echo', 'POST') + length)).body === large);
  const session = connectH2(`http://127.0.0.1:${gateway.port}`);
  open.push(async () => session.destroy());
  const asked = session.request({ ':path': '/large.txt', te: 'trailers' });
  const [trailers] = await Promise.all([once(asked, 'trailers'), asked.resume()]);
  assert.equal((trailers[0] as Record<string, string>)['x-sum'], '42');
});
