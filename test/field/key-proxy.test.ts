// Source: agentgateway/agentgateway#2546, keys that can be fetched only through the forward proxy of the network.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import {
  isReady,
  outcome,
  type ShownKeySet,
  shownKeySets,
  startFetching,
  startUpstream,
  token,
} from '../keysets/fetched-gateway.ts';
import { jwk, keySet, ScriptedIssuer } from '../keysets/scripted-issuer.ts';
import { Stand } from '../process/stand.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { eventually, type TestGateway } from '../support/gateway.ts';
import { rsaKey } from '../support/tokens.ts';
import { ForwardProxy } from './forward-proxy.ts';

const PASSWORD = 'p%40ss-that-nobody-may-see';
const BASIC = `Basic ${Buffer.from('gate:p@ss-that-nobody-may-see').toString('base64')}`;
const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'];
const key = rsaKey();
const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
const upstream = await startUpstream();
after(async () => {
  rmSync(folder, { recursive: true });
  await upstream.close();
});
const forget = (): void => {
  for (const name of names) delete process.env[name];
};
forget();
afterEach(forget);

interface Network {
  readonly issuer: ScriptedIssuer;
  readonly proxy: ForwardProxy;
}

async function withNetwork(use: (network: Network) => Promise<void>, tls?: { cert: string; key: string }) {
  const issuer = await ScriptedIssuer.start(tls === undefined ? {} : { tls });
  issuer.keys = keySet(jwk(key, { kid: 'k', alg: 'RS256' }));
  const proxy = await ForwardProxy.start(issuer.port);
  try {
    await use({ issuer, proxy });
  } finally {
    await proxy.close();
    await issuer.close();
  }
}

/** A gateway in this process, whose environment has these variables. */
async function withGateway(
  url: string,
  env: Readonly<Record<string, string>>,
  use: (gateway: TestGateway) => Promise<void>,
  timeoutMs = 60_000,
): Promise<void> {
  Object.assign(process.env, env);
  const gateway = await startFetching(upstream, { url, remote: { allowHttp: true, timeoutMs } });
  try {
    await use(gateway);
  } finally {
    await gateway.close();
    forget();
  }
}

async function lastError(gateway: TestGateway): Promise<string> {
  const failed = ([set]: readonly ShownKeySet[]): boolean => typeof set?.lastError === 'string';
  const [set] = await eventually(() => shownKeySets(gateway), failed);
  const text = set?.lastError ?? '';
  assert.ok(!text.includes('nobody-may-see'), text);
  return text;
}

test('the code for proxies is loaded only where a variable names one', () =>
  withNetwork(async ({ issuer, proxy }) => {
    const { cache } = createRequire(import.meta.url);
    const isLoaded = (): boolean => Object.keys(cache).some((path) => path.includes('/undici/'));
    await withGateway(issuer.url(), {}, async (gateway) => {
      await eventually(() => isReady(gateway), Boolean);
      assert.equal(isLoaded(), false);
    });
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` };
    await withGateway('http://idp.example/keys', env, async (gateway) => {
      await eventually(() => isReady(gateway), Boolean);
      assert.equal(isLoaded(), true);
    });
  }));

test('keys come by https through HTTPS_PROXY, and its password is never printed', async () => {
  const tls = loopbackCertificate(undefined, ['idp.example']);
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, tls.cert);
  await withNetwork(async ({ proxy }) => {
    const stand = await Stand.start(
      {
        listeners: 1,
        issuers: {
          i: {
            issuer: 'https://issuer.example',
            audience: 'orders',
            algorithms: ['RS256'],
            keys: { jwks: 'https://idp.example/keys' },
          },
        },
        upstream: `http://127.0.0.1:${upstream.port}`,
      },
      {
        env: {
          HTTPS_PROXY: `http://gate:${PASSWORD}@127.0.0.1:${proxy.port}`,
          HTTP_PROXY: 'http://127.0.0.1:1',
          NODE_EXTRA_CA_CERTS: authority,
        },
      },
    );
    try {
      await eventually(
        () => stand.ready(),
        ([status]) => status === 200,
      );
      assert.equal(await outcome(stand.port, token(key, 'k')), '200');
      assert.deepEqual(new Set(proxy.lines), new Set(['CONNECT idp.example:443 HTTP/1.1']));
      assert.match(proxy.heads[0] ?? '', new RegExp(`\r\nproxy-authorization: ${BASIC}\r\n`, 'i'));
      const shown = `${await stand.log()}${JSON.stringify(await stand.status())}`;
      for (const secret of ['nobody-may-see', BASIC.slice(-20)]) assert.ok(!shown.includes(secret), shown);
    } finally {
      await stand.stop();
    }
  }, tls);
});

describe('keys by plain http', () => {
  for (const [how, envOf] of [
    ['HTTP_PROXY', (port: number) => ({ HTTP_PROXY: `http://127.0.0.1:${port}/` })],
    ['http_proxy without a scheme', (port: number) => ({ http_proxy: ` 127.0.0.1:${port}` })],
    [
      'http_proxy before HTTP_PROXY',
      (port: number) => ({ HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: `http://127.0.0.1:${port}` }),
    ],
    [
      'HTTP_PROXY, though NO_PROXY excepts others',
      (port: number) => ({ HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'p.example, 10.0.0.1' }),
    ],
  ] as const) {
    test(`are requested with the whole address through ${how}`, () =>
      withNetwork(({ proxy }) =>
        withGateway('http://idp.example/keys', envOf(proxy.port), async (gateway) => {
          await eventually(() => isReady(gateway), Boolean);
          assert.equal(await outcome(gateway.port, token(key, 'k')), '200');
          assert.deepEqual(new Set(proxy.lines), new Set(['GET http://idp.example/keys HTTP/1.1']));
          assert.match(proxy.heads[0] ?? '', /\r\nhost: idp\.example\r\n/i);
          assert.doesNotMatch(proxy.heads[0] ?? '', /proxy-authorization/i);
        }),
      ));
  }

  // 0.0.0.0 is this machine to the system, and an ordinary address to the rules.
  for (const [how, host, env] of [
    ['loopback', '127.0.0.1', {}],
    ['loopback by its name', 'localhost', {}],
    ['what NO_PROXY names', '0.0.0.0', { NO_PROXY: 'x.example,0.0.0.0' }],
    ['everything with NO_PROXY=*', '0.0.0.0', { no_proxy: '*' }],
    ['everything where http_proxy is empty', '0.0.0.0', { http_proxy: '' }],
  ] as const) {
    test(`go directly to ${how}`, () =>
      withNetwork(({ issuer, proxy }) =>
        withGateway(
          `http://${host}:${issuer.port}/keys`,
          { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, ...env },
          async (gateway) => {
            await eventually(() => isReady(gateway), Boolean);
            assert.deepEqual(proxy.lines, []);
          },
        ),
      ));
  }

  test('still need allowHttp', () =>
    withNetwork(async ({ proxy }) => {
      process.env['HTTP_PROXY'] = `http://127.0.0.1:${proxy.port}`;
      const gateway = await startFetching(upstream, { url: 'http://idp.example/keys' });
      try {
        assert.match(await lastError(gateway), /is plain http/);
        assert.deepEqual(proxy.lines, []);
      } finally {
        await gateway.close();
      }
    }));
});

describe('a failing proxy is reported with its failure', () => {
  for (const [scheme, variable] of [
    ['https', 'HTTPS_PROXY'],
    ['http', 'HTTP_PROXY'],
  ] as const) {
    const url = `${scheme}://idp.example/keys`;
    const wayOf = (port: number): string =>
      `${url} is asked through the proxy http://127.0.0.1:${port} of ${variable}, which`;

    test(`${scheme}, and it is down`, () =>
      withNetwork(async ({ proxy }) => {
        const { port } = proxy;
        await proxy.close();
        await withGateway(url, { [variable]: `http://u:${PASSWORD}@127.0.0.1:${port}` }, async (gateway) =>
          assert.equal(await lastError(gateway), `${wayOf(port)} cannot be reached (ECONNREFUSED)`),
        );
      }));

    for (const status of scheme === 'https' ? [403, 407, 502] : [407]) {
      test(`${scheme}, and it responds with ${status}`, () =>
        withNetwork(async ({ proxy }) => {
          const { port } = proxy;
          proxy.conduct = status;
          await withGateway(url, { [variable]: `http://u:${PASSWORD}@127.0.0.1:${port}` }, async (gateway) =>
            assert.equal(await lastError(gateway), `${wayOf(port)} answered with status ${status}`),
          );
        }));
    }

    test(`${scheme}, and it hangs; the next fetch does not wait for that`, () =>
      withNetwork(async ({ proxy }) => {
        const { port } = proxy;
        proxy.conduct = 'hang';
        const env = { [variable]: `http://127.0.0.1:${port}` };
        await withGateway(
          url,
          env,
          async (gateway) => {
            assert.equal(
              await lastError(gateway),
              `${url} did not answer within 500 ms, asked through the proxy http://127.0.0.1:${port} of ${variable}`,
            );
            await eventually(
              () => proxy.open,
              (open) => open === 0,
            );
            // The server behind it speaks plain http, so a tunnel to it fails as TLS: the fetch has gone on.
            proxy.conduct = scheme === 'https' ? 403 : 'carry';
            if (scheme === 'http') await eventually(() => isReady(gateway), Boolean);
            else
              await eventually(
                () => lastError(gateway),
                (text) => text.endsWith('status 403'),
              );
          },
          500,
        );
      }));
  }

  for (const value of [
    `socks5://u:${PASSWORD}@127.0.0.1:9`,
    `http://u:${PASSWORD}@`,
    `http://u:%zz-nobody-may-see@p`,
    '::',
  ]) {
    test(`a variable that names none: ${value}`, () =>
      withGateway('https://idp.example/keys', { HTTPS_PROXY: value }, async (gateway) =>
        assert.equal(
          await lastError(gateway),
          'https://idp.example/keys is not asked: HTTPS_PROXY names no proxy; must be http://HOST:PORT or https://HOST:PORT',
        ),
      ));
  }

  test('a server behind it with a certificate of an unknown authority is still refused', () =>
    withNetwork(
      async ({ proxy }) => {
        const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
        await withGateway('https://idp.example/keys', env, async (gateway) =>
          assert.equal(
            await lastError(gateway),
            `https://idp.example/keys, asked through the proxy http://127.0.0.1:${proxy.port} of HTTPS_PROXY, has a certificate that is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); NODE_EXTRA_CA_CERTS names further authorities`,
          ),
        );
      },
      loopbackCertificate(undefined, ['idp.example']),
    ));

  test('the proxy is not blamed for a server that is reached directly', () =>
    withNetwork(async ({ issuer, proxy }) => {
      const { port } = issuer;
      await issuer.close();
      const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '0.0.0.0' };
      await withGateway(`http://0.0.0.0:${port}/keys`, env, async (gateway) =>
        assert.equal(
          await lastError(gateway),
          `http://0.0.0.0:${port}/keys cannot be reached (ECONNREFUSED)`,
        ),
      );
    }));
});
