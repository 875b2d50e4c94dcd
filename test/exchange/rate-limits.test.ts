import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { RateKey, RateLimitConfig, RouteConfig } from '../../src/config/config.ts';
import type { Network } from '../../src/http/networks.ts';
import { parseNetwork } from '../../src/http/networks.ts';
import { serverOf, startGateway, sums, type TestGateway } from '../support/gateway.ts';
import { openPreflight } from '../support/preflight.ts';
import { request, type WireResponse } from '../support/wire.ts';
import { scrape } from './outcome-rows.ts';

/** Slow enough that no request comes back while a test runs. */
const limit = (name: string, by: RateKey, burst = 2): readonly [string, RateLimitConfig] => [
  name,
  { name, amount: 1, periodMs: 3_600_000, burst, by, keys: 1000 },
];

const rateLimits = new Map([
  limit('subject', { kind: 'claim', claim: 'sub' }),
  limit('address', { kind: 'client' }),
  limit('key', { kind: 'header', name: 'x-api-key' }),
  limit('whole', { kind: 'route' }),
  limit('wide', { kind: 'route' }, 5),
]);

const route = (
  path: string,
  rateLimit: readonly string[],
  more: Partial<RouteConfig> = {},
): Partial<RouteConfig> => ({
  name: path,
  match: { host: undefined, path, methods: undefined },
  auth: 'none',
  rateLimit,
  ...more,
});

const routes = [
  route('/subject', ['subject'], { auth: ['test'] }),
  route('/address', ['address']),
  route('/key', ['key']),
  route('/whole', ['whole']),
  route('/whole/other', ['whole']),
  route('/both', ['wide', 'key']),
  route('/token', ['whole'], { auth: ['test'] }),
  route('/answered', ['whole'], {
    preflight: openPreflight,
  }),
  route('/passed', ['whole'], { preflight: { kind: 'pass' } }),
  route('/free', []),
];

describe('limits on the rate of requests', () => {
  const upstream = createServer((incoming, outgoing) => outgoing.end(incoming.url));
  let gateway: TestGateway;

  before(async () => {
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
    gateway = await startGateway({
      upstreamPort: (upstream.address() as AddressInfo).port,
      routes,
      config: { rateLimits, rateSecret: [1, 2], trustedProxies: [parseNetwork('127.0.0.1') as Network] },
    });
  });
  after(async () => {
    await gateway.close();
    upstream.close();
  });

  const ask = (path: string, fields: readonly string[] = [], method = 'GET'): Promise<WireResponse> =>
    request(
      gateway.port,
      `${[`${method} ${path} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`,
    );

  async function statuses(path: string, ...requests: readonly (readonly string[])[]): Promise<number[]> {
    const all: number[] = [];
    for (const fields of requests) all.push((await ask(path, fields)).status);
    return all;
  }

  test('by a claim: each subject has its own count, and those without the claim share one', async () => {
    const by = (claims: object): string[] => [
      `Authorization: ${gateway.bearer(claims as Record<string, unknown>)}`,
    ];
    const seen = await statuses(
      '/subject',
      by({ sub: 'a' }),
      by({ sub: 'a', jti: '2' }),
      by({ sub: 'a' }),
      by({ sub: 'b' }),
    );
    assert.deepEqual(seen, [200, 200, 429, 200]);
    assert.deepEqual(
      await statuses('/subject', by({ jti: '3' }), by({ jti: '4' }), by({ jti: '5' })),
      [200, 200, 429],
    );
  });

  test('by a claim: a refused token is none', async () => {
    const bad = ['Authorization: Bearer a.b.c'];
    assert.deepEqual(await statuses('/subject', bad, bad, bad, bad), [401, 401, 401, 401]);
  });

  test('by the address that a trusted proxy reports', async () => {
    const from = (address: string): string[] => [`X-Forwarded-For: ${address}`];
    assert.deepEqual(
      await statuses('/address', from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')),
      [200, 200, 429, 200],
    );
    assert.deepEqual(
      await statuses(
        '/address',
        from('2001:db8::1'),
        from('2001:DB8::2'),
        from('2001:db8:0:0:9::'),
        from('2001:db8:0:1::1'),
      ),
      [200, 200, 429, 200],
    );
  });

  test('by a header: leaving it out sets no client free', async () => {
    const by = (value: string): string[] => [`X-Api-Key: ${value}`];
    assert.deepEqual(await statuses('/key', by('a'), by('a'), by('a'), by('b')), [200, 200, 429, 200]);
    assert.deepEqual(await statuses('/key', [], [], [], []), [200, 200, 429, 429]);
  });

  test('by route: before the token, and each route for itself', async () => {
    assert.deepEqual(await statuses('/whole', [], [], []), [200, 200, 429]);
    assert.deepEqual(await statuses('/whole/other', [], []), [200, 200]);
    assert.deepEqual(await statuses('/token', [], [], []), [401, 401, 429]);
  });

  test('of which one refuses count nothing at the others', async () => {
    const by = ['X-Api-Key: both'];
    assert.deepEqual(await statuses('/both', by, by, by, by, by), [200, 200, 429, 429, 429]);
    const other = ['X-Api-Key: both-2'];
    assert.deepEqual(await statuses('/both', other, other), [200, 200]);
    assert.deepEqual(await statuses('/both', ['X-Api-Key: both-3']), [200]);
    const last = await ask('/both', ['X-Api-Key: both-3']);
    assert.equal(last.status, 429, 'the fifth of the wide one');
    assert.match(last.headers.get('ratelimit') ?? '', /^"wide";/);
  });

  test('say when to come again', async () => {
    const by = ['X-Api-Key: when'];
    await statuses('/key', by, by);
    const { status, headers, body } = await ask('/key', by);
    assert.equal(status, 429);
    const wait = Number(headers.get('retry-after'));
    assert.ok(Number.isInteger(wait) && wait > 3500 && wait <= 3600, `${wait}`);
    assert.equal(headers.get('ratelimit-policy'), '"key";q=2;w=7200');
    assert.equal(headers.get('ratelimit'), `"key";r=0;t=${wait}`);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.equal(JSON.parse(body).code, 'rate_limited');
  });

  test('leave preflights alone that the gateway answers, and count those that go upstream', async () => {
    const preflight = ['Origin: https://app.example', 'Access-Control-Request-Method: GET'];
    const all = async (path: string): Promise<number[]> => {
      const seen: number[] = [];
      for (let n = 0; n < 3; n += 1) seen.push((await ask(path, preflight, 'OPTIONS')).status);
      return seen;
    };
    assert.deepEqual(await all('/answered'), [204, 204, 204]);
    assert.deepEqual(await all('/passed'), [200, 200, 429]);
  });

  test('are in the metrics and in the status', async () => {
    const refused = sums(await scrape(gateway.adminPort), 'portcullis_rate_limited_total', 'limit');
    assert.ok((refused['key'] ?? 0) > 0 && (refused['whole'] ?? 0) > 0, JSON.stringify(refused));
    const text = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/status`)).text();
    const { rateLimits: shown } = JSON.parse(text) as {
      rateLimits: { name: string; keys: number; refused: number }[];
    };
    assert.deepEqual(
      shown.map(({ name }) => name),
      [...rateLimits.keys()],
    );
    assert.equal(shown.find(({ name }) => name === 'key')?.refused, refused['key']);
    assert.ok(!text.includes('192.0.2.1'));
  });

  test('keep their counts over a reload, unless they change', async () => {
    const by = ['X-Api-Key: reload'];
    await statuses('/key', by, by);
    const { config } = serverOf(gateway);
    const reload = async (next: typeof config): Promise<void> => {
      const change = await serverOf(gateway).prepare(next);
      change.commit(new Map());
    };
    await reload({ ...config, realm: 'another' });
    assert.deepEqual(await statuses('/key', by), [429]);
    const changed = new Map([...rateLimits, limit('key', { kind: 'header', name: 'x-api-key' }, 3)]);
    await reload({ ...config, rateLimits: changed });
    assert.deepEqual(await statuses('/key', by, by, by, by), [200, 200, 200, 429]);
    await reload(config);
  });
});
