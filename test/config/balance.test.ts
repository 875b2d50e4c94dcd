import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { workerConfig } from '../../src/process/worker-config.ts';
import { configOf, faultsOf } from './check.ts';

const issuers =
  'issuers: { idp: { issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem } } }';

const fileOf = (balance: string, route = 'auth: idp'): string => `listen: 127.0.0.1:8080
${issuers}
upstreams: { app: { servers: [http://127.0.0.1:9000], balance: ${balance} }, other: { servers: [http://h] } }
routes:
  - { match: { path: / }, upstream: app, ${route} }
  - { match: { path: /public }, upstream: other, auth: none }
`;

describe('balance', () => {
  for (const [written, balance] of [
    ['least-connections', undefined],
    ['round-robin', 'round-robin'],
    ['{ hash: client }', { hash: { kind: 'client' } }],
    ['{ hash: client, sticky: true }', { hash: { kind: 'client' }, sticky: true }],
    ['{ hash: client, sticky: false }', { hash: { kind: 'client' } }],
    ['{ hash: "claim:sub" }', { hash: { kind: 'claim', claim: 'sub' } }],
    ['{ hash: "claim:realm.tenant" }', { hash: { kind: 'claim', claim: 'realm.tenant' } }],
    ['{ hash: "claim:https://a.example/t" }', { hash: { kind: 'claim', claim: 'https://a.example/t' } }],
    ['{ hash: "header:X-Shard" }', { hash: { kind: 'header', name: 'x-shard' } }],
  ] as const) {
    test(`${written} is right`, () => {
      const config = configOf(fileOf(written));
      assert.deepEqual(config.upstreams.get('app')?.balance, balance);
      assert.deepEqual(workerConfig(config, 2).upstreams.get('app')?.balance, balance);
      assert.deepEqual(structuredClone(config).upstreams.get('app')?.balance, balance);
    });
  }

  test('a client or a header may decide on a public route', () => {
    for (const hash of ['client', '"header:X-Shard"']) {
      assert.deepEqual(faultsOf(fileOf(`{ hash: ${hash} }`, 'auth: none')), []);
    }
  });

  const forms =
    'must be least-connections, round-robin, or { hash: client, "claim:sub" or "header:X-Shard" }';
  for (const [what, written, fault, route] of [
    ['a word that is none', 'random', `balance: does not fit; ${forms}`],
    ['a list', '[round-robin]', `balance: is a list; ${forms}`],
    ['no value to hash', '{}', 'balance.hash: is missing; must be client, "claim:sub" or "header:X-Shard"'],
    [
      'no value to stay by',
      '{ sticky: true }',
      'balance.hash: is missing; must be client, "claim:sub" or "header:X-Shard"',
    ],
    [
      'a word for sticky',
      '{ hash: client, sticky: cookie }',
      'balance.sticky: does not fit; must be true or false',
    ],
    ['an unknown key', '{ hahs: client }', 'balance.hahs: is not a known key; must be hash if that is meant'],
    [
      'a source that is none',
      '{ hash: cookie }',
      'balance.hash: does not fit; must be client, "claim:sub" or "header:X-Shard"',
    ],
    [
      'a claim without name',
      '{ hash: "claim:" }',
      'balance.hash: has no name of a claim; must be such as claim:sub or claim:realm.tenant',
    ],
    [
      'a claim with an empty part',
      '{ hash: "claim:a..b" }',
      'balance.hash: has an empty part in the path of a claim; must be such as sub or realm.roles',
    ],
    [
      'a header without name',
      '{ hash: "header:" }',
      'balance.hash: has no name of a header; must be letters, digits and "-" such as header:X-Shard',
    ],
    [
      'a header that is none',
      '{ hash: "header:X Shard" }',
      'balance.hash: has no name of a header; must be letters, digits and "-" such as header:X-Shard',
    ],
    [
      'a header with the address of the client',
      '{ hash: "header:X-Forwarded_For" }',
      'balance.hash: is a header by which a client can name any address; must be client, which believes only trustedProxies',
    ],
    [
      'a header that the gateway writes',
      '{ hash: "header:X-User-Id" }',
      'balance.hash: is a header that a route writes for its upstream, and of which the client would decide; must be the claim, or another header',
      'auth: idp, forward: { headers: { X_USER_ID: sub } }',
    ],
    [
      'a claim where a route has no token',
      '{ hash: "claim:sub" }',
      'balance.hash: is a claim, and the route / has auth: none; must be client or a header, or that route must have another upstream',
      'auth: none',
    ],
  ] as const) {
    test(`${what} is wrong`, () => {
      const faults = faultsOf(fileOf(written, route)).map((text) => text.replace(/^f:\d+:\d+: /, ''));
      assert.deepEqual(faults, [`upstreams.app.${fault}`]);
    });
  }
});
