import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import type { UpstreamConfig, UpstreamServer } from '../../src/config/upstream-config.ts';
import { createGateway } from '../../src/gateway/local-gateway.ts';
import { Authority, type IssueOptions } from '../support/authority.ts';
import { eventually, serverAt, silentLog, testConfig } from '../support/gateway.ts';
import { upstreamTls } from '../support/upstream-tls.ts';
import { request } from '../support/wire.ts';

const authority = new Authority('checks');

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A server of HTTP/1.1 and HTTP/2 whose certificate is as said; it answers checks only. */
async function serve(certificate: IssueOptions, protocol: UpstreamServer['protocol']) {
  const server = createSecureServer(
    { ...authority.issue(certificate), allowHTTP1: true },
    (asked, response) => {
      const isCheck = asked.url === '/healthz' && asked.httpVersion === (protocol === 'h2' ? '2.0' : '1.1');
      response.writeHead(isCheck ? 200 : 404).end();
    },
  );
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.close();
    return once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, server: { ...serverAt(port), scheme: 'https', protocol } as const };
}

for (const path of ['/healthz', undefined]) {
  for (const protocol of ['http/1.1', 'h2'] as const) {
    const by = path === undefined ? 'a connection' : 'a request';
    test(`checks by ${by} tell why a server of ${protocol} over TLS is unhealthy`, async () => {
      const good = await serve({ names: ['127.0.0.1'] }, protocol);
      const wrong = await serve({ names: ['127.0.0.2'] }, protocol);
      const expired = await serve(
        { names: ['127.0.0.1'], dates: ['20200101000000Z', '20210101000000Z'] },
        protocol,
      );
      const servers = [good, wrong, expired].map((one) => one.server);
      const base = testConfig({
        upstreamPort: 1,
        routes: [{ auth: 'none' }],
        upstreamTls: upstreamTls(authority.cert),
      });
      const app: UpstreamConfig = {
        ...(base.upstreams.get('app') as UpstreamConfig),
        servers,
        health: {
          path,
          host: undefined,
          intervalMs: 100,
          timeoutMs: 5_000,
          rise: 1,
          fall: 2,
          status: [[200, 299]],
        },
      };
      const lines: string[] = [];
      const line = (fields: object, message: string): void =>
        void lines.push(`${message} ${JSON.stringify(fields)}`);
      const gateway = createGateway(
        { ...base, upstreams: new Map([['app', app]]) },
        { log: { ...silentLog, warn: line, info: line }, acceptVulnerableNode: true },
      );
      await gateway.start();
      open.push(() => gateway.close({ graceMs: 0 }));
      const adminPort = Number(gateway.addresses.admin.split(':').at(-1));
      const seen = async () => {
        const { body } = await request(
          adminPort,
          'GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
        );
        const [upstream] = JSON.parse(body).upstreams;
        return upstream.servers.map(
          ({ health }: { health: { state: string; last: { result: string } | null } }) =>
            `${health.state} ${health.last?.result}`,
        ) as string[];
      };
      const found = await eventually(
        seen,
        (all) => all.filter((one) => one.startsWith('unhealthy')).length === 2 && all[0] === 'healthy ok',
      );
      assert.deepEqual(found, ['healthy ok', 'unhealthy certificate_name', 'unhealthy certificate_expired']);
      const told = lines.filter((one) => one.startsWith('an upstream server is unhealthy')).sort();
      assert.deepEqual(
        told,
        [
          `an upstream server is unhealthy {"upstream":"app","server":"${wrong.address}","cause":"certificate_name","found":"ERR_TLS_CERT_ALTNAME_INVALID"}`,
          `an upstream server is unhealthy {"upstream":"app","server":"${expired.address}","cause":"certificate_expired","found":"CERT_HAS_EXPIRED"}`,
        ].sort(),
      );
    });
  }
}
