import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { TLSSocket, type TlsOptions } from 'node:tls';
import type { UpstreamConfig, UpstreamTlsConfig } from '../../../src/config/upstream-config.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { Authority } from '../../support/authority.ts';
import {
  eventually,
  serverAt,
  serverOf,
  startGateway,
  type TestGateway,
  type TestOptions,
  testConfig,
} from '../../support/gateway.ts';
import { answer, causeLog, type TlsOrigin, tlsOrigin, upstreamTls } from '../../support/upstream-tls.ts';
import { request } from '../../support/wire.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const EXPIRED = ['20200101000000Z', '20210101000000Z'] as const;
const FUTURE = ['20800101000000Z', '20990101000000Z'] as const;
const authority = new Authority('upstream');
const other = new Authority('other');
const good = authority.issue({ names: ['127.0.0.1', 'localhost', 'app.internal'] });
const tls = upstreamTls(authority.cert);

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function originWith(options: TlsOptions): Promise<TlsOrigin> {
  const origin = await tlsOrigin(options, answer);
  open.push(() => origin.close());
  return origin;
}

async function gatewayTo(
  port: number,
  its: UpstreamTlsConfig,
  more: Partial<TestOptions> = {},
): Promise<TestGateway> {
  const gateway = await startGateway({
    routes: [{ auth: 'none' }],
    upstreamPort: port,
    upstreamTls: its,
    ...more,
  });
  open.push(() => gateway.close());
  return gateway;
}

function upstreamOf(gateway: TestGateway): Upstream {
  return serverOf(gateway).service.upstreams.get('app') as Upstream;
}

/** Two requests, because a session of the first one must not help the second one. */
async function refuses(gateway: TestGateway, cause: string): Promise<void> {
  for (let count = 0; count < 2; count += 1) {
    const { status, body } = await request(gateway.port, GET);
    assert.equal(status, 502);
    assert.match(body, /upstream_unreachable/);
    assert.equal(upstreamOf(gateway).servers[0]?.report.cause, cause);
  }
}

describe('a server whose certificate is signed by ca and names its host', () => {
  test('gets requests, by its address or its name', async () => {
    const origin = await originWith(good);
    for (const upstreamHost of ['127.0.0.1', 'localhost']) {
      const gateway = await gatewayTo(origin.port, tls, { upstreamHost });
      assert.equal((await request(gateway.port, GET)).body, 'ok');
    }
  });

  test('is asked for the name of the configuration where the name was looked up', async () => {
    const asked: string[] = [];
    const origin = await originWith({
      ...authority.issue({ names: ['app.internal'] }),
      SNICallback: (name, done) => {
        asked.push(name);
        done(null);
      },
    });
    const gateway = await gatewayTo(origin.port, tls, { upstreamHost: 'app.internal' });
    upstreamOf(gateway).take([
      {
        server: `app.internal:${origin.port}`,
        address: { host: '127.0.0.1', port: origin.port },
        mode: 'ready',
        healthy: true,
      },
    ]);
    assert.equal((await request(gateway.port, GET)).body, 'ok');
    assert.deepEqual(asked, ['app.internal']);
  });

  test('is another one for each name, also at one address', async () => {
    const origin = await originWith(authority.issue({ names: ['a.internal'] }));
    const { port } = origin;
    const servers = ['a.internal', 'b.internal'].map((host) =>
      serverAt(port, { address: { host, port }, scheme: 'https' }),
    );
    const base = testConfig({ upstreamPort: port, upstreamTls: tls }).upstreams.get('app') as UpstreamConfig;
    const upstreams = new Map([['app', { ...base, servers }]]);
    const gateway = await gatewayTo(port, tls, { config: { upstreams } });
    const used = { address: { host: '127.0.0.1', port }, mode: 'ready', healthy: true } as const;
    const unused = { address: { host: '127.0.0.1', port: 1 }, mode: 'down', healthy: true } as const;
    const [a, b] = [`a.internal:${port}`, `b.internal:${port}`] as const;
    upstreamOf(gateway).take([
      { ...used, server: a },
      { ...unused, server: b },
    ]);
    assert.equal((await request(gateway.port, GET)).status, 200);
    upstreamOf(gateway).take([
      { ...unused, server: a },
      { ...used, server: b },
    ]);
    const { status } = await request(gateway.port, GET);
    assert.equal(status, 502);
    assert.ok(upstreamOf(gateway).servers.some(({ report }) => report.cause === 'certificate_name'));
  });

  test('is named by serverName in place of its host', async () => {
    const origin = await originWith(authority.issue({ names: ['app.internal'] }));
    const gateway = await gatewayTo(origin.port, { ...tls, serverName: 'app.internal' });
    assert.equal((await request(gateway.port, GET)).status, 200);
  });
});

describe('a server is refused before it gets a byte of the request', () => {
  const cases: readonly (readonly [string, string, TlsOptions, UpstreamTlsConfig?])[] = [
    ['expired', 'certificate_expired', authority.issue({ names: ['127.0.0.1'], dates: EXPIRED })],
    ['not valid yet', 'certificate_expired', authority.issue({ names: ['127.0.0.1'], dates: FUTURE })],
    ['for another host', 'certificate_name', authority.issue({ names: ['127.0.0.2', 'localhost'] })],
    ['without names', 'certificate_name', authority.issue({ cn: '127.0.0.1' })],
    ['for another host than serverName', 'certificate_name', good, { ...tls, serverName: 'db.internal' }],
    ['of another authority', 'certificate_untrusted', other.issue({ names: ['127.0.0.1'] })],
    ['of no public authority, without ca', 'certificate_untrusted', good, { ...tls, ca: undefined }],
  ];
  for (const [name, cause, certificate, config = tls] of cases) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`its certificate is ${name}, ${version}`, async () => {
        const { log, causes } = causeLog();
        const origin = await originWith({ ...certificate, minVersion: version, maxVersion: version });
        const gateway = await gatewayTo(origin.port, config, { log });
        await refuses(gateway, cause);
        assert.equal(origin.received(), 0);
        assert.deepEqual(causes, [cause]);
      });
    }
  }

  test('it speaks an older version than TLS 1.2', async () => {
    const ciphers = 'DEFAULT:@SECLEVEL=0';
    const origin = await originWith({ ...good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers });
    await refuses(await gatewayTo(origin.port, tls), 'tls_failed');
  });

  test('it does not speak TLS', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.resume();
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(async () => {
      await once(server.close(), 'close');
    });
    await refuses(await gatewayTo((server.address() as AddressInfo).port, tls), 'tls_failed');
  });

  test('its handshake takes longer than timeouts.connect', async () => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    });
    const gateway = await gatewayTo((server.address() as AddressInfo).port, tls, {
      timeouts: { connectMs: 300 },
    });
    await refuses(gateway, 'timeout');
  });
});

test('without verification any certificate will do', async () => {
  const origin = await originWith(other.issue({ names: ['elsewhere'], dates: EXPIRED }));
  const gateway = await gatewayTo(origin.port, { ...tls, ca: undefined, verify: false });
  assert.equal((await request(gateway.port, GET)).body, 'ok');
});

test('a refused server is found again when it has a good certificate', async () => {
  const bad = await originWith(other.issue({ names: ['127.0.0.1'] }));
  const gateway = await gatewayTo(bad.port, tls);
  await refuses(gateway, 'certificate_untrusted');
  await bad.close();
  open.splice(0, 1);
  const server = await tlsOriginAt(bad.port);
  open.unshift(() => server.close());
  await eventually(
    () => upstreamOf(gateway).servers[0]?.report.state,
    (state) => state === 'up',
  );
  assert.equal((await request(gateway.port, GET)).body, 'ok');
});

async function tlsOriginAt(port: number): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<TLSSocket>();
  const server = createServer((plain) => {
    plain.on('error', () => {});
    const socket = new TLSSocket(plain, { isServer: true, cert: good.cert, key: good.key });
    socket.on('error', () => {});
    sockets.add(socket);
    answer(socket);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

describe('a server that asks for a certificate', () => {
  const asks = { ...good, requestCert: true, rejectUnauthorized: true, ca: other.cert };

  test('gets that of the configuration', async () => {
    const seen: string[] = [];
    const origin = await tlsOrigin(asks, (socket) => {
      seen.push(String(socket.getPeerCertificate().subject.CN));
      answer(socket);
    });
    open.push(() => origin.close());
    const { cert, key } = other.issue({ cn: 'gateway' });
    const gateway = await gatewayTo(origin.port, { ...tls, client: { cert, key } });
    assert.equal((await request(gateway.port, GET)).body, 'ok');
    assert.deepEqual(seen, ['gateway']);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`refuses a gateway without one, ${version}`, async () => {
      const { log } = causeLog();
      const origin = await originWith({ ...asks, minVersion: version, maxVersion: version });
      const gateway = await gatewayTo(origin.port, tls, { log });
      assert.equal((await request(gateway.port, GET)).status, 502);
      assert.equal(upstreamOf(gateway).servers[0]?.report.cause, 'tls_failed');
      assert.equal(origin.received(), 0);
    });
  }
});
