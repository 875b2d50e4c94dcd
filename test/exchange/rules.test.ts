import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { IssuerConfig, RouteConfig, RouteRules } from '../../src/config/config.ts';
import { startGateway, sums, type TestGateway } from '../support/gateway.ts';
import { issuerConfig } from '../support/issuer.ts';
import { rs256, rsaKey, secondsFromNow } from '../support/tokens.ts';
import { request, type WireResponse } from '../support/wire.ts';
import { scrape } from './outcome-rows.ts';

const keys = { test: rsaKey(), other: rsaKey() };

function route(path: string, require: Partial<RouteRules>, auth = ['test']): Partial<RouteConfig> {
  return {
    name: path,
    match: { host: undefined, path, methods: undefined },
    auth,
    require: { scopes: undefined, roles: undefined, claims: [], ...require },
  };
}

const routes = [
  { name: '/', match: { host: undefined, path: '/', methods: undefined } },
  route('/orders', { scopes: { match: 'all', values: ['orders:read', 'a!#'] } }),
  route('/any', { scopes: { match: 'any', values: ['x', 'y'] }, roles: { match: 'all', values: ['ops'] } }),
  route('/admin', { roles: { match: 'any', values: ['admin', 'ops'] } }),
  route('/pro', { claims: [{ claim: 'tenant.plan', kind: 'one-of', values: ['pro'] }] }),
  route('/both', { scopes: { match: 'all', values: ['orders:read'] } }, ['test', 'other']),
];

const issuer = (name: string, pem: string): IssuerConfig =>
  issuerConfig({
    name,
    issuer: `https://${name}.example`,
    audience: ['orders'],
    algorithms: ['RS256'],
    keys: [{ id: name, kid: 'key-1', algorithms: ['RS256'], material: { kind: 'public', pem } }],
  });

const lacksScope = 'error_description="The token lacks a required scope"';
const lacksRole = 'error_description="The token lacks a required role"';

interface Stand {
  /** A GET of the path with a token of the first issuer, or of the other one. */
  ask(path: string, claims?: object, iss?: 'test' | 'other'): Promise<WireResponse>;
  /** Requests refused so far, by reason. */
  rejected(): Promise<Record<string, number>>;
  /** The paths of the requests that upstream received. */
  readonly reached: readonly string[];
}

function stand(rejection: 'rfc6750' | 'haproxy'): Stand {
  let gateway: TestGateway;
  const reached: string[] = [];
  const upstream = createServer((incoming, outgoing) => {
    reached.push(incoming.url as string);
    outgoing.end('ok');
  });
  before(async () => {
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const issuers = Object.entries(keys).map(([name, key]) => [name, issuer(name, key.pem)] as const);
    gateway = await startGateway({
      upstreamPort: (upstream.address() as AddressInfo).port,
      routes,
      config: { rejection, issuers: new Map(issuers) },
    });
  });
  after(async () => {
    await gateway.close();
    upstream.close();
  });
  return {
    reached,
    ask(path, claims = {}, iss = 'test') {
      const payload = { iss: `https://${iss}.example`, aud: 'orders', exp: secondsFromNow(300), ...claims };
      const token = rs256(keys[iss], payload, { alg: 'RS256', kid: 'key-1' });
      return request(
        gateway.port,
        `GET ${path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
    },
    rejected: async () => sums(await scrape(gateway.adminPort), 'portcullis_rejections_total', 'reason'),
  };
}

function assertRefused(response: WireResponse, status: number, code: string, challenge: string): void {
  assert.equal(response.status, status);
  assert.equal(response.headers.get('www-authenticate'), `Bearer realm="portcullis", ${challenge}`);
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(JSON.parse(response.body).code, code);
  assert.equal(JSON.parse(response.body).status, status);
}

describe('rules of a route', () => {
  const { ask, rejected, reached } = stand('rfc6750');

  test('a token without the scopes gets 403, which names the scopes that the route demands', async () => {
    const expected = `error="insufficient_scope", scope="orders:read a!#", ${lacksScope}`;
    for (const claims of [{}, { scope: 'orders:read' }, { scope: 'orders:write a!#' }]) {
      assertRefused(await ask('/orders', claims), 403, 'scope_insufficient', expected);
    }
    assert.equal((await ask('/orders', { scope: 'a!# orders:read' })).status, 200);
  });

  test('each route names its own', async () => {
    assertRefused(
      await ask('/any'),
      403,
      'scope_insufficient',
      `error="insufficient_scope", scope="x y", ${lacksScope}`,
    );
    assertRefused(
      await ask('/any', { scp: ['y'] }),
      403,
      'role_missing',
      `error="insufficient_scope", scope="x y", ${lacksRole}`,
    );
    assert.equal((await ask('/any', { scp: ['y'], roles: ['ops'] })).status, 200);
    assertRefused(await ask('/admin'), 403, 'role_missing', `error="insufficient_scope", ${lacksRole}`);
  });

  test('claims belong to the token, so 401', async () => {
    assertRefused(
      await ask('/pro', { tenant: { plan: 'free' } }),
      401,
      'claim_mismatch',
      'error="invalid_token", error_description="A claim of the token has a value that is not accepted"',
    );
    assertRefused(
      await ask('/pro'),
      401,
      'claim_missing',
      'error="invalid_token", error_description="The token lacks a required claim"',
    );
    assert.equal((await ask('/pro', { tenant: { plan: 'pro' } })).status, 200);
  });

  test('one token on many routes: each judges it by its own rules, and upstream sees the accepted requests', async () => {
    const from = reached.length;
    const before = await rejected();
    // The same text each time, so that all but the first find it in the cache.
    const claims = { exp: secondsFromNow(200), scope: 'orders:read a!#', roles: ['admin'] };
    const seen: number[] = [];
    const paths = ['/', '/orders', '/any', '/admin', '/pro'];
    for (const path of [...paths, ...[...paths].reverse()]) seen.push((await ask(path, claims)).status);
    assert.deepEqual(seen, [200, 200, 403, 200, 401, 401, 200, 403, 200, 200]);
    assert.deepEqual(reached.slice(from), ['/', '/orders', '/admin', '/admin', '/orders', '/']);
    const now = await rejected();
    assert.equal((now['scope_insufficient'] ?? 0) - (before['scope_insufficient'] ?? 0), 2);
    assert.equal((now['claim_missing'] ?? 0) - (before['claim_missing'] ?? 0), 2);
  });

  test('two issuers with the same kid on one route, under the same rules', async () => {
    for (const iss of ['test', 'other'] as const) {
      assert.equal((await ask('/both', { scope: 'orders:read' }, iss)).status, 200);
      assert.equal((await ask('/both', {}, iss)).status, 403);
    }
    const refused = await ask('/both', { iss: 'https://other.example', scope: 'orders:read' });
    assert.equal(JSON.parse(refused.body).code, 'signature_invalid');
    const elsewhere = await ask('/orders', { scope: 'orders:read a!#' }, 'other');
    assert.equal(JSON.parse(elsewhere.body).code, 'issuer_mismatch');
  });

  test('a token bound to a key is refused everywhere', async () => {
    const refused = await ask('/', { cnf: { jkt: 'x' } });
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(refused.body).code, 'claim_mismatch');
  });
});

describe('rules of a route, in the style of HAProxy', () => {
  const { ask } = stand('haproxy');

  test('come last and have one message of their own', async () => {
    for (const [path, claims] of [
      ['/orders', {}],
      ['/admin', {}],
      ['/pro', {}],
      ['/pro', { tenant: { plan: 'free' } }],
      ['/', { cnf: {} }],
    ] as const) {
      const response = await ask(path, claims);
      assert.equal(response.status, 403);
      assert.equal(response.body, 'JWT is not accepted here');
      assert.equal(response.headers.get('content-type'), 'text/html');
      assert.equal(response.headers.has('www-authenticate'), false);
    }
    const expired = await ask('/orders', { exp: secondsFromNow(-5) });
    assert.equal(expired.body, 'JWT has expired');
    assert.equal((await ask('/', {})).status, 200);
  });
});
