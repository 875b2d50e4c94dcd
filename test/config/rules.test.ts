import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IssuerConfig, RouteRules } from '../../src/config/config.ts';
import { configOf, faultsOf } from './check.ts';

const file = (issuer: string, route: string): string => `listen: 127.0.0.1:8080
issuers: { app: { issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem }${issuer} } }
upstreams: { app: { servers: [http://127.0.0.1:9000] } }
routes:
  - { match: { path: / }, auth: app, upstream: app${route} }
`;

const requireOf = (text: string): RouteRules | undefined =>
  configOf(file('', `, require: ${text}`)).routes[0]?.require;

const issuerOf = (text: string): IssuerConfig => {
  const issuer = configOf(file(`, ${text}`, '')).issuers.get('app');
  assert.ok(issuer);
  return issuer;
};

const none = { scopes: undefined, roles: undefined, claims: [] };

test('what a route requires', () => {
  assert.equal(configOf(file('', '')).routes[0]?.require, undefined);
  assert.deepEqual(requireOf('{ scopes: [a, "b:c"] }'), {
    ...none,
    scopes: { match: 'all', values: ['a', 'b:c'] },
  });
  assert.deepEqual(requireOf('{ scopes: { all: [a] }, roles: { any: [x y, z] } }'), {
    ...none,
    scopes: { match: 'all', values: ['a'] },
    roles: { match: 'any', values: ['x y', 'z'] },
  });
  assert.deepEqual(
    requireOf(
      '{ claims: { tenant.plan: [pro, 2, true], "https://a.example/b": "true", n: -0.5, v: true, groups: { contains: x }, a: { exists: true }, b: { exists: false } } }',
    ),
    {
      ...none,
      claims: [
        { claim: 'tenant.plan', kind: 'one-of', values: ['pro', 2, true] },
        { claim: 'https://a.example/b', kind: 'one-of', values: ['true'] },
        { claim: 'n', kind: 'one-of', values: [-0.5] },
        { claim: 'v', kind: 'one-of', values: [true] },
        { claim: 'groups', kind: 'contains', value: 'x' },
        { claim: 'a', kind: 'present' },
        { claim: 'b', kind: 'absent' },
      ],
    },
  );
});

test('what an issuer requires', () => {
  const plain = issuerOf('clockTolerance: 0s');
  assert.deepEqual(
    [plain.maxAgeMs, plain.tokenTypes, plain.rejectIdTokens, plain.rolesClaim, plain.audienceMatch],
    [Number.POSITIVE_INFINITY, undefined, false, 'roles', 'any'],
  );
  const strict = issuerOf(
    'maxAge: 12h, tokenTypes: [JWT, application/at+JWT, absent], rejectIdTokens: true, rolesClaim: realm_access.roles',
  );
  assert.deepEqual(
    [strict.maxAgeMs, strict.tokenTypes, strict.rejectIdTokens, strict.rolesClaim],
    [43_200_000, ['jwt', 'at+jwt', 'absent'], true, 'realm_access.roles'],
  );
  const { audience, audienceMatch } =
    configOf(file('', '').replace('audience: api', 'audience: { all: [a, b] }')).issuers.get('app') ??
    assert.fail();
  assert.deepEqual([audience, audienceMatch], [['a', 'b'], 'all']);
});

const gap = 'has an empty part in the path of a claim; must be such as sub or realm.roles';
const twice = 'stands in the list twice; must stand once';
const scope =
  'does not fit; must be a scope of 1 to 256 printable ASCII characters without space, " and \\; several are a list such as [a, b]';
const value = 'must be a text, a number or true or false';
const claimTest = 'must be a value, a list of values, { contains: value } or { exists: true }';
const unsafe =
  'is a number that cannot be told from its neighbours; must be at most 9007199254740991, or a text';
const mustBe = (example: string) => `must be a list such as [${example}], or { any: [${example}] }`;

/** The text after `require: `, and its faults: column, path below `require`, message. */
const requireFaults: readonly (readonly [text: string, ...faults: string[]])[] = [
  ['{}', '53: : is empty; must be a mapping with at least one of scopes, roles, claims'],
  ['[a]', '62: : is a list; must be a mapping with the keys scopes, roles, claims'],
  ['{ scope: [a] }', '64: .scope: is not a known key; must be scopes if that is meant'],
  ['{ scopes: [] }', '72: .scopes: is an empty list; must be a list such as [orders:read]'],
  ['{ scopes: a }', `72: .scopes: does not fit; ${mustBe('orders:read')}`],
  ['{ scopes: [a b] }', `73: .scopes[0]: ${scope}`],
  [`{ scopes: ['a"b'] }`, `73: .scopes[0]: ${scope}`],
  ['{ scopes: ["a\\\\b"] }', `73: .scopes[0]: ${scope}`],
  ['{ scopes: ["a\\x7f"] }', `73: .scopes[0]: ${scope}`],
  ['{ scopes: [ä] }', `73: .scopes[0]: ${scope}`],
  ['{ scopes: [a, b, a] }', `79: .scopes[2]: ${twice}`],
  ['{ scopes: { any: [] } }', '79: .scopes.any: is an empty list; must be a list such as [orders:read]'],
  ['{ scopes: { any: [a, a] } }', `83: .scopes.any[1]: ${twice}`],
  ['{ scopes: { some: [a] } }', '74: .scopes.some: is not a known key; must be one of any, all'],
  ['{ scopes: { any: [a], all: [b] } }', '72: .scopes: must have exactly one of any, all'],
  ['{ scopes: {} }', '72: .scopes: must have exactly one of any, all'],
  [
    `{ scopes: [${Array.from({ length: 20 }, (_, at) => `${'x'.repeat(110)}${at}`).join(', ')}] }`,
    '64: .scopes: are too long for a challenge; must be at most 2048 characters together',
  ],
  ['{ roles: [] }', '71: .roles: is an empty list; must be a list such as [admin]'],
  ['{ roles: [a, a] }', `75: .roles[1]: ${twice}`],
  ['{ roles: { any: [1] } }', '79: .roles.any[0]: is a number; must be the name of a role'],
  ['{ roles: admin }', `71: .roles: does not fit; ${mustBe('admin')}`],
  ['{ claims: {} }', '64: .claims: is empty; must be a mapping such as { email_verified: true }'],
  [
    '{ claims: [a] }',
    '73: .claims[0]: does not fit; must be a mapping with the keys claim, equals, contains, exists',
  ],
  ['{ claims: { a..b: 1 } }', `74: .claims["a..b"]: ${gap}`],
  ['{ claims: { .a: 1 } }', `74: .claims[".a"]: ${gap}`],
  ['{ claims: { a.: 1 } }', `74: .claims["a."]: ${gap}`],
  ['{ claims: { "": 1 } }', `74: .claims[""]: ${gap}`],
  ['{ claims: { a: } }', `74: .claims.a: is empty; ${claimTest}`],
  ['{ claims: { a: "" } }', `77: .claims.a: is empty; ${claimTest}`],
  ['{ claims: { a: .nan } }', `77: .claims.a: is a number; ${claimTest}`],
  [
    '{ claims: { a: [] } }',
    '77: .claims.a: is an empty list; must be a list of values such as [pro, enterprise]',
  ],
  ['{ claims: { a: [1, 1] } }', `81: .claims.a[1]: ${twice}`],
  ['{ claims: { a: [[1]] } }', `78: .claims.a[0]: is a list; ${value}`],
  ['{ claims: { a: {} } }', '77: .claims.a: must have exactly one of contains, exists'],
  ['{ claims: { a: { contains: [x] } } }', `89: .claims.a.contains: is a list; ${value}`],
  [
    '{ claims: { a: { contains: x, exists: true } } }',
    '77: .claims.a: must have exactly one of contains, exists',
  ],
  ['{ claims: { a: { exists: 1 } } }', '87: .claims.a.exists: is a number; must be true or false'],
  [
    '{ claims: { a: { contain: x } } }',
    '79: .claims.a.contain: is not a known key; must be contains if that is meant',
  ],
  ['{ claims: { a: 9007199254740993 } }', `77: .claims.a: ${unsafe}`],
  ['{ claims: { a: [-9007199254740993] } }', `78: .claims.a[0]: ${unsafe}`],
];

for (const [text, ...faults] of requireFaults) {
  test(`require: ${text.slice(0, 60)}`, () => {
    assert.deepEqual(
      faultsOf(file('', `, require: ${text}`)),
      faults.map((fault) => `f:5:${fault.replace(' ', ' routes[0].require')}`),
    );
  });
}

test('require needs tokens', () => {
  const text = file('', ', require: { scopes: [a] }').replace('auth: app', 'auth: none');
  assert.deepEqual(faultsOf(text), [
    'f:5:54: routes[0].require: demands something of tokens where auth is none; must be left out, or auth an issuer',
  ]);
});

const typ = 'must be a typ such as JWT or at+jwt, or absent';

const issuerFaults: readonly (readonly [text: string, fault: string])[] = [
  [
    'maxAge: 12',
    '115: maxAge: is a number; must be a duration from 1ms to 8760h, such as 250ms, 5s, 10m or 1h',
  ],
  [
    'maxAge: 0s',
    '115: maxAge: is out of range; must be a duration from 1ms to 8760h, such as 250ms, 5s, 10m or 1h',
  ],
  ['tokenTypes: []', '119: tokenTypes: is an empty list; must be a list such as [JWT, at+jwt]'],
  ['tokenTypes: JWT', '119: tokenTypes: does not fit; must be a list such as [JWT, at+jwt]'],
  ['tokenTypes: [JWT, jwt]', `125: tokenTypes[1]: ${twice}`],
  ['tokenTypes: [at+jwt, application/at+JWT]', `128: tokenTypes[1]: ${twice}`],
  ['tokenTypes: [a b]', `120: tokenTypes[0]: does not fit; ${typ}`],
  ['tokenTypes: [a/b/c]', `120: tokenTypes[0]: does not fit; ${typ}`],
  ['rejectIdTokens: 1', '123: rejectIdTokens: is a number; must be true or false'],
  ['rolesClaim: a..b', `119: rolesClaim: ${gap}`],
];

for (const [text, fault] of issuerFaults) {
  test(text, () => {
    assert.deepEqual(faultsOf(file(`, ${text}`, '')), [`f:2:${fault.replace(' ', ' issuers.app.')}`]);
  });
}

const audienceFaults: readonly (readonly [text: string, fault: string])[] = [
  ['{ all: [] }', '57: .all: is an empty list; must be a list of audiences'],
  ['{ all: [a, a] }', `61: .all[1]: ${twice}`],
  ['{ all: [any] }', '50: : is a list with any in it; must be any alone, or a list of audiences'],
  ['{ all: a }', '57: .all: does not fit; must be a list of audiences'],
  ['{ all: [a], any: [b] }', '62: .any: is not a known key; must be one of all'],
];

for (const [text, fault] of audienceFaults) {
  test(`audience: ${text}`, () => {
    assert.deepEqual(faultsOf(file('', '').replace('audience: api', `audience: ${text}`)), [
      `f:2:${fault.replace(' ', ' issuers.app.audience')}`,
    ]);
  });
}
