import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { Protocol } from '../../../../src/config/config.ts';
import { Authority } from '../../../support/authority.ts';
import { startGateway, type TestGateway } from '../../../support/gateway.ts';
import { Origin } from '../../../support/origin.ts';
import { certificateConfig, connectTls, tlsConfig } from '../../../support/tls.ts';

const certificate = certificateConfig(new Authority('root').issue({ cn: 'site', names: ['site.example'] }));
let origin: Origin;
let gateway: TestGateway;

before(async () => {
  origin = await Origin.start();
  origin.serve((request) => {
    const seen = /x-forwarded-proto: (\S+)/i.exec(request)?.[1] ?? 'none';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${seen.length}\r\n\r\n${seen}`;
  });
  gateway = await serving();
});

/** One address by ALPN. */
function serving(protocols?: readonly Protocol[]): Promise<TestGateway> {
  const tls = tlsConfig([certificate]);
  return startGateway({
    upstreamPort: origin.port,
    config: { listen: [{ host: '127.0.0.1', port: 0, engine: 'node', tls, protocols }] },
  });
}

after(async () => {
  await gateway.close();
  await origin.close();
});

describe('HTTP/2 over TLS', () => {
  test('serves a client that chooses it by ALPN, many requests on one connection', async () => {
    const session = connect(`https://127.0.0.1:${gateway.port}`, {
      rejectUnauthorized: false,
      servername: 'site.example',
    });
    try {
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const headers = index % 2 === 0 ? { authorization: gateway.bearer() } : {};
          const stream = session.request({ ':path': `/${index}`, ...headers });
          const [head] = await once(stream, 'response');
          let body = '';
          for await (const chunk of stream.setEncoding('latin1')) body += chunk;
          return `${head[':status']} ${index % 2 === 0 ? body : ''}`.trim();
        }),
      );
      assert.deepEqual(
        statuses,
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? '200 https' : '401')),
      );
    } finally {
      session.close();
    }
  });

  test('is what ALPN prefers, unless the address has other protocols', async () => {
    const other = await serving(['http/1.1']);
    for (const [port, chosen] of [
      [gateway.port, 'h2'],
      [other.port, 'http/1.1'],
    ] as const) {
      const socket = await connectTls(port, { ALPNProtocols: ['http/1.1', 'h2'] });
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    await other.close();
  });
});
