import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

/** @param limit the limit `one`. @param route what the route says beside its upstream. */
const fileOf = (limit: string, route = 'auth: idp, rateLimit: [one]'): string => `listen: 127.0.0.1:8080
issuers: { idp: { issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem } } }
rateLimits: { one: ${limit} }
routes:
  - { match: { path: / }, upstream: http://127.0.0.1:9000, ${route} }
`;

const GOOD = '{ rate: 100/s, by: client }';

describe('rateLimits', () => {
  for (const [written, right] of [
    [GOOD, { amount: 100, periodMs: 1000, burst: 100, by: { kind: 'client' }, keys: 100_000 }],
    [
      '{ rate: 600/m, burst: 20, by: "claim:sub" }',
      { amount: 600, periodMs: 60_000, burst: 20, by: { kind: 'claim', claim: 'sub' }, keys: 100_000 },
    ],
    [
      '{ rate: 5000/h, by: "header:X-Api-Key", keys: 1000 }',
      {
        amount: 5000,
        periodMs: 3_600_000,
        burst: 5000,
        by: { kind: 'header', name: 'x-api-key' },
        keys: 1000,
      },
    ],
    [
      '{ rate: 1/d, burst: "7", by: route }',
      { amount: 1, periodMs: 86_400_000, burst: 7, by: { kind: 'route' }, keys: 100_000 },
    ],
  ] as const) {
    test(`${written} is right`, () => {
      const config = configOf(fileOf(written));
      assert.deepEqual(config.rateLimits?.get('one'), { name: 'one', ...right });
      assert.deepEqual(config.routes[0]?.rateLimit, ['one']);
      assert.deepEqual(structuredClone(config).rateLimits, config.rateLimits);
    });
  }

  const rate = 'must be a rate such as 100/s, 600/m, 5000/h or 20000/d';
  const by = 'must be "claim:sub", client, "header:X-Api-Key" or route';
  const burst = 'must be a whole number from 1 to 1000000';
  for (const [what, limit, fault, route] of [
    ['no rate', '{ by: client }', 'rateLimits.one.rate: is missing; must be a rate such as 100/s'],
    ['a rate without unit', '{ rate: 100, by: client }', `rateLimits.one.rate: is a number; ${rate}`],
    ['a rate of none', '{ rate: 0/s, by: client }', `rateLimits.one.rate: does not fit; ${rate}`],
    ['a rate of parts', '{ rate: 0.5/s, by: client }', `rateLimits.one.rate: does not fit; ${rate}`],
    ['a rate for each week', '{ rate: 5/w, by: client }', `rateLimits.one.rate: does not fit; ${rate}`],
    ['a rate with a long unit', '{ rate: 5/sec, by: client }', `rateLimits.one.rate: does not fit; ${rate}`],
    [
      'a burst of none',
      '{ rate: 5/s, burst: 0, by: client }',
      `rateLimits.one.burst: is out of range; ${burst}`,
    ],
    [
      'a burst with a unit',
      '{ rate: 5/s, burst: 9/s, by: client }',
      `rateLimits.one.burst: does not fit; ${burst}`,
    ],
    ['no key', '{ rate: 5/s }', `rateLimits.one.by: is missing; ${by}`],
    ['a key that is none', '{ rate: 5/s, by: cookie }', `rateLimits.one.by: does not fit; ${by}`],
    [
      'a claim without name',
      '{ rate: 5/s, by: "claim:" }',
      'rateLimits.one.by: has no name of a claim; must be such as claim:sub or claim:realm.tenant',
    ],
    [
      'a header that names any address',
      '{ rate: 5/s, by: "header:X-Forwarded-For" }',
      'rateLimits.one.by: is a header by which a client can name any address; must be client, which believes only trustedProxies',
    ],
    [
      'a header that the route writes',
      '{ rate: 5/s, by: "header:x-user" }',
      'rateLimits.one.by: is a header that a route writes for its upstream, and of which the client would decide; must be the claim, or another header',
      'auth: idp, rateLimit: [one], forward: { headers: { X-User: sub } }',
    ],
    [
      'a claim on a route without tokens',
      '{ rate: 5/s, by: "claim:sub" }',
      'rateLimits.one.by: is a claim, and the route / has auth: none; must be client or a header, or that route must have another limit',
      'auth: none, rateLimit: [one]',
    ],
    [
      'an unknown key',
      '{ rate: 5/s, by: client, brust: 4 }',
      'rateLimits.one.brust: is not a known key; must be burst if that is meant',
    ],
    [
      'too few counts',
      '{ rate: 5/s, by: client, keys: 9 }',
      'rateLimits.one.keys: is out of range; must be a whole number from 1000 to 10000000',
    ],
    [
      'a name that no limit has',
      GOOD,
      'routes[0].rateLimit[0]: "onee" is not the name of a rate limit; must be one if that is meant',
      'auth: idp, rateLimit: [onee]',
    ],
    [
      'a name twice',
      GOOD,
      'routes[0].rateLimit[1]: stands in the list twice; must stand once',
      'auth: idp, rateLimit: [one, one]',
    ],
    [
      'a name without a list',
      GOOD,
      'routes[0].rateLimit: does not fit; must be a list of names of rateLimits',
      'auth: idp, rateLimit: one',
    ],
  ] as const) {
    test(`${what} is a fault with its place`, () => {
      const faults = faultsOf(fileOf(limit, route));
      assert.equal(faults.length, 1, JSON.stringify(faults));
      assert.ok(faults[0]?.endsWith(fault), `${faults[0]}`);
      assert.match(faults[0] ?? '', /^[^:]+:[35]:\d+: /);
    });
  }

  test('a limit that no route has is worth a warning', () => {
    const [warning = '', ...more] = configOf(fileOf(GOOD, 'auth: idp')).warnings;
    assert.deepEqual(more, []);
    assert.ok(
      warning.endsWith('rateLimits.one: no route has it in its rateLimit, so it limits nothing'),
      warning,
    );
  });
});
