import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy } from '../../src/auth/policy/policy.ts';
import type { ClaimRule, Demand, RouteRules } from '../../src/config/config.ts';
import { rsaKey, signToken } from '../support/tokens.ts';
import { forward, issuer, publicKey, Setup } from './support.ts';

const all = (...values: string[]): Demand => ({ match: 'all', values });
const any = (...values: string[]): Demand => ({ match: 'any', values });
const oneOf = (claim: string, ...values: (string | number | boolean)[]): ClaimRule => ({
  claim,
  kind: 'one-of',
  values,
});
const contains = (claim: string, value: string | number | boolean): ClaimRule => ({
  claim,
  kind: 'contains',
  value,
});
const present = (claim: string): ClaimRule => ({ claim, kind: 'present' });
const absent = (claim: string): ClaimRule => ({ claim, kind: 'absent' });

function route(
  setup: Setup,
  require: Partial<RouteRules>,
  headers: Readonly<Record<string, string>> = {},
): Policy {
  return setup.authorizer.policy({
    auth: ['main'],
    forward: forward(headers),
    require: { scopes: undefined, roles: undefined, claims: [], ...require },
  });
}

type Row = readonly [rules: Partial<RouteRules>, claims: object, verdict: string];

const scope = 'scope_insufficient rules';
const role = 'role_missing rules';
const mismatch = 'claim_mismatch rules';
const missing = 'claim_missing rules';

async function judge(
  [rules, claims, verdict]: Row,
  changes: Parameters<typeof issuer>[0] = {},
): Promise<void> {
  const setup = new Setup({ issuers: [issuer(changes)] });
  const policy = route(setup, rules);
  const token = setup.token({ ...claims });
  assert.equal(await setup.verdict(token, policy), verdict);
  assert.equal(await setup.verdict(token, policy), verdict, 'also when the token is known');
}

const name = ([rules, claims, verdict]: Row): string => {
  const { scopes, roles, claims: tests = [] } = rules;
  const words = [scopes, roles].flatMap((demand) => (demand ? `${demand.match} of ${demand.values}` : []));
  const asked = [...words, ...tests.map((one) => JSON.stringify(one))].join(' and ');
  return `${asked} of ${JSON.stringify(claims)}: ${verdict}`;
};

describe('scopes', () => {
  const rows: Row[] = [
    [{ scopes: all('a') }, { scope: 'a' }, 'permit'],
    [{ scopes: all('a', 'b') }, { scope: 'c b a' }, 'permit'],
    [{ scopes: all('a', 'b') }, { scope: 'a' }, scope],
    [{ scopes: any('a', 'b') }, { scope: 'b' }, 'permit'],
    [{ scopes: any('a', 'b') }, { scope: 'c' }, scope],
    [{ scopes: all('a') }, {}, scope],
    [{ scopes: all('a') }, { scope: '' }, scope],
    [{ scopes: all('a') }, { scope: ' a  b ' }, 'permit'],
    [{ scopes: all('a') }, { scope: 'a\tb' }, scope],
    [{ scopes: all('a') }, { scope: 'a,b' }, scope],
    [{ scopes: all('a') }, { scope: 'A' }, scope],
    [{ scopes: all('read') }, { scope: 'read:all unread' }, scope],
    [{ scopes: all('a') }, { scope: null }, scope],
    [{ scopes: all('a') }, { scope: { a: true } }, scope],
    [{ scopes: all('a') }, { scope: true }, scope],
    [{ scopes: all('a') }, { scp: ['b', 'a'] }, 'permit'],
    [{ scopes: all('a') }, { scp: 'b a' }, 'permit'],
    [{ scopes: all('a') }, { scope: ['b', 'a'] }, 'permit'],
    [{ scopes: all('a') }, { scp: ['b a'] }, scope],
    [{ scopes: all('a') }, { scp: ['a', 1] }, scope],
    [{ scopes: all('a') }, { scp: [['a']] }, scope],
    [{ scopes: all('a', 'b') }, { scope: 'a', scp: ['b'] }, 'permit'],
    [{ scopes: all('a', 'b') }, { scope: 'a', scp: 7 }, scope],
    [{ scopes: all('toString') }, {}, scope],
    [{ scopes: all('a') }, { scopes: 'a', roles: ['a'] }, scope],
  ];
  for (const row of rows) test(name(row), () => judge(row));

  test('the refusal names the missing scopes', async () => {
    const setup = new Setup();
    const both = route(setup, { scopes: all('a', 'b'), roles: any('admin') });
    assert.deepEqual(await setup.ask(setup.token(), both), {
      kind: 'rejection',
      reason: 'scope_insufficient',
      stage: 'rules',
      scope: 'a b',
    });
    assert.deepEqual(await setup.ask(setup.token({ scope: 'a b' }), both), {
      kind: 'rejection',
      reason: 'role_missing',
      stage: 'rules',
      scope: 'a b',
    });
  });
});

describe('roles', () => {
  const rows: Row[] = [
    [{ roles: all('admin') }, { roles: ['user', 'admin'] }, 'permit'],
    [{ roles: all('admin', 'ops') }, { roles: ['admin'] }, role],
    [{ roles: any('admin', 'ops') }, { roles: ['ops'] }, 'permit'],
    [{ roles: any('admin', 'ops') }, { roles: ['user'] }, role],
    [{ roles: all('admin') }, { roles: 'admin' }, 'permit'],
    [{ roles: all('admin') }, { roles: 'user admin' }, role],
    [{ roles: all('user admin') }, { roles: 'user admin' }, 'permit'],
    [{ roles: all('admin') }, {}, role],
    [{ roles: all('admin') }, { roles: null }, role],
    [{ roles: all('admin') }, { roles: [] }, role],
    [{ roles: all('admin') }, { roles: { admin: true } }, role],
    [{ roles: all('admin') }, { roles: ['admin', null] }, role],
    [{ roles: all('admin') }, { roles: ['Admin'] }, role],
  ];
  for (const row of rows) test(name(row), () => judge(row));

  const nested: Row[] = [
    [{ roles: all('admin') }, { realm_access: { roles: ['admin'] } }, 'permit'],
    [{ roles: all('admin') }, { 'realm_access.roles': ['admin'] }, 'permit'],
    [{ roles: all('admin') }, { 'realm_access.roles': ['user'], realm_access: { roles: ['admin'] } }, role],
    [{ roles: all('admin') }, { roles: ['admin'] }, role],
    [{ roles: all('admin') }, { realm_access: [{ roles: ['admin'] }] }, role],
  ];
  for (const row of nested) {
    test(`in realm_access.roles: ${name(row)}`, () => judge(row, { rolesClaim: 'realm_access.roles' }));
  }

  test('each issuer of a route has its own claim for roles', async () => {
    const other = issuer({ name: 'other', issuer: 'https://other.example', rolesClaim: 'groups' });
    const setup = new Setup({ issuers: [issuer(), other] });
    const policy = setup.authorizer.policy({
      auth: ['main', 'other'],
      forward: forward(),
      require: { scopes: undefined, roles: all('admin'), claims: [] },
    });
    const claims = { roles: ['user'], groups: ['admin'] };
    assert.equal(await setup.verdict(setup.token(claims), policy), role);
    const theirs = setup.token({ ...claims, iss: 'https://other.example' });
    assert.equal(await setup.verdict(theirs, policy), 'permit');
  });
});

describe('claims', () => {
  const rows: Row[] = [
    [{ claims: [oneOf('v', true)] }, { v: true }, 'permit'],
    [{ claims: [oneOf('v', true)] }, { v: 'true' }, mismatch],
    [{ claims: [oneOf('v', true)] }, { v: 1 }, mismatch],
    [{ claims: [oneOf('v', 'true')] }, { v: true }, mismatch],
    [{ claims: [oneOf('v', 1)] }, { v: '1' }, mismatch],
    [{ claims: [oneOf('v', 1)] }, { v: 1 }, 'permit'],
    [{ claims: [oneOf('v', 1)] }, { v: true }, mismatch],
    [{ claims: [oneOf('v', 0)] }, { v: false }, mismatch],
    [{ claims: [oneOf('v', 0)] }, { v: '' }, mismatch],
    [{ claims: [oneOf('v', false)] }, { v: false }, 'permit'],
    [{ claims: [oneOf('v', false)] }, {}, missing],
    [{ claims: [oneOf('v', false)] }, { v: null }, missing],
    [{ claims: [oneOf('v', 'a')] }, { v: 'A' }, mismatch],
    [{ claims: [oneOf('v', 'a')] }, { v: ['a'] }, mismatch],
    [{ claims: [oneOf('v', 'a', 'b', 2)] }, { v: 'b' }, 'permit'],
    [{ claims: [oneOf('v', 'a', 'b', 2)] }, { v: 2 }, 'permit'],
    [{ claims: [oneOf('v', 'a', 'b', 2)] }, { v: '2' }, mismatch],
    [{ claims: [oneOf('v', 'a', 'b', 2)] }, { v: 'c' }, mismatch],
    [{ claims: [contains('g', 'x')] }, { g: ['w', 'x'] }, 'permit'],
    [{ claims: [contains('g', 'x')] }, { g: ['w'] }, mismatch],
    [{ claims: [contains('g', 'x')] }, { g: 'x' }, mismatch],
    [{ claims: [contains('g', 'x')] }, { g: 'wxy' }, mismatch],
    [{ claims: [contains('g', 'x')] }, { g: { x: 1 } }, mismatch],
    [{ claims: [contains('g', 'x')] }, { g: [['x']] }, mismatch],
    [{ claims: [contains('g', 'x')] }, {}, missing],
    [{ claims: [contains('g', 1)] }, { g: ['1'] }, mismatch],
    [{ claims: [contains('g', 1)] }, { g: [1] }, 'permit'],
    [{ claims: [present('v')] }, { v: false }, 'permit'],
    [{ claims: [present('v')] }, { v: null }, missing],
    [{ claims: [present('toString')] }, {}, missing],
    [{ claims: [present('v.__proto__')] }, { v: {} }, missing],
    [{ claims: [absent('v')] }, {}, 'permit'],
    [{ claims: [absent('v')] }, { v: null }, 'permit'],
    [{ claims: [absent('v')] }, { v: 0 }, mismatch],
    [{ claims: [oneOf('t.plan', 'pro')] }, { t: { plan: 'pro' } }, 'permit'],
    [{ claims: [oneOf('t.plan', 'pro')] }, { 't.plan': 'pro' }, 'permit'],
    [{ claims: [oneOf('t.plan', 'pro')] }, { 't.plan': 'free', t: { plan: 'pro' } }, mismatch],
    [{ claims: [oneOf('t.plan', 'pro')] }, { 't.plan': null, t: { plan: 'pro' } }, missing],
    [{ claims: [oneOf('t.plan', 'pro')] }, { t: ['pro'] }, missing],
    [{ claims: [oneOf('t.length', 3)] }, { t: 'pro' }, missing],
    [{ claims: [oneOf('t.0', 'pro')] }, { t: ['pro'] }, missing],
    [{ claims: [oneOf('https://a.example/plan', 'pro')] }, { 'https://a.example/plan': 'pro' }, 'permit'],
    [{ claims: [oneOf('a', 1), oneOf('b', 1)] }, { a: 1, b: 2 }, mismatch],
    [{ claims: [oneOf('a', 1), oneOf('b', 1)] }, { a: 1 }, missing],
    [{ claims: [oneOf('a', 1), oneOf('b', 1)] }, { b: 2 }, missing],
  ];
  for (const row of rows) test(name(row), () => judge(row));
});

describe('the order of checks', () => {
  const strict = { scopes: all('a'), roles: all('r'), claims: [oneOf('c', 1), oneOf('d', 1)] };

  test('lifetime, then the type of the token, then scopes, roles and claims', async () => {
    const setup = new Setup({ issuers: [issuer({ tokenTypes: ['at+jwt'], require: ['sub'] })] });
    const policy = route(setup, strict);
    const ask = (claims: object, typ = 'at+jwt'): Promise<string> =>
      setup.verdict(setup.token({ ...claims }, { alg: 'HS256', typ }), policy);
    assert.equal(await ask({ exp: setup.clock.seconds(-1) }, 'JWT'), 'token_expired expiry');
    assert.equal(await ask({ sub: undefined }, 'JWT'), 'claim_missing expiry');
    assert.equal(await ask({}, 'JWT'), 'claim_mismatch rules');
    assert.equal(await ask({}), scope);
    assert.equal(await ask({ scope: 'a' }), role);
    assert.equal(await ask({ scope: 'a', roles: 'r' }), missing);
    assert.equal(await ask({ scope: 'a', roles: 'r', c: 2 }), mismatch);
    assert.equal(await ask({ scope: 'a', roles: 'r', c: 1 }), missing);
    assert.equal(await ask({ scope: 'a', roles: 'r', c: 1, d: 1 }), 'permit');
  });

  test('a bad signature hides all of them', async () => {
    const setup = new Setup({
      issuers: [issuer({ tokenTypes: ['at+jwt'], rejectIdTokens: true, maxAgeMs: 1000 })],
    });
    const policy = route(setup, strict);
    const forged = signToken('HS256', 'another secret, just as long as the right one', {
      ...setup.claims({ cnf: {}, nonce: 'n', exp: 0 }),
    });
    assert.equal(await setup.verdict(forged, policy), 'signature_invalid signature');
  });

  test('also with an asymmetric key, where each waiting request has its own rules', async () => {
    const [key, twin] = [rsaKey(), rsaKey()];
    const config = issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] });
    const setup = new Setup({ issuers: [config] });
    await setup.authorizer.start();
    const routes = [
      { scopes: all('a') },
      { scopes: all('b') },
      { roles: all('r') },
      { claims: [present('sub')] },
    ];
    const ask = (signer: typeof key): Promise<string[]> => {
      const token = signToken('RS256', signer, setup.claims({ scope: 'b' }));
      return Promise.all([
        ...routes.map((rules) => setup.verdict(token, route(setup, rules))),
        setup.verdict(token),
      ]);
    };
    assert.deepEqual(await ask(twin), Array(5).fill('signature_invalid signature'));
    assert.deepEqual(await ask(key), [scope, 'permit', role, 'permit', 'permit']);
    assert.equal(setup.counters.cacheMisses.value, 10);
    assert.deepEqual(await ask(key), [scope, 'permit', role, 'permit', 'permit']);
    assert.equal(setup.counters.cacheMisses.value, 10, 'each is in the cache');
    await setup.authorizer.close();
  });
});

describe('a known token', () => {
  test('meets the rules of every route, in any order of routes', async () => {
    const routes = (setup: Setup): [string, Policy][] => [
      ['permit', setup.policy],
      ['permit', route(setup, { scopes: all('a') })],
      [scope, route(setup, { scopes: all('b') })],
      [role, route(setup, { roles: all('a') })],
      ['permit', route(setup, { scopes: all('a') }, { 'X-User': 'sub' })],
      [scope, route(setup, { scopes: all('b') }, { 'X-User': 'sub' })],
    ];
    const count = routes(new Setup()).length;
    for (let first = 0; first < count; first += 1) {
      for (let second = 0; second < count; second += 1) {
        const setup = new Setup();
        const token = setup.token({ scope: 'a' });
        const made = routes(setup);
        for (const at of [first, second, first, second]) {
          const [verdict, policy] = made[at] as [string, Policy];
          assert.equal(await setup.verdict(token, policy), verdict, `${first} then ${second}`);
        }
        assert.equal(setup.counters.cacheMisses.value, 1);
      }
    }
  });

  test('that lacks a scope still expires', async () => {
    const setup = new Setup();
    const policy = route(setup, { scopes: all('b') });
    const token = setup.token();
    assert.equal(await setup.verdict(token, policy), scope);
    setup.clock.now += 3_600_000;
    assert.equal(await setup.verdict(token, policy), 'token_expired expiry');
  });

  test('carries identity headers where it is accepted, and never where it is refused', async () => {
    const setup = new Setup();
    const token = setup.token({ scope: 'a' });
    const headers = { 'X-User': 'sub' };
    for (let round = 0; round < 2; round += 1) {
      const good = await setup.ask(token, route(setup, { scopes: all('a') }, headers));
      assert.deepEqual(good, { kind: 'permit', headers: 'X-User: user-1\r\n', stripToken: false });
      assert.equal(await setup.verdict(token, route(setup, { scopes: all('b') }, headers)), scope);
    }
  });

  test('routes share a policy only if their rules agree', () => {
    const setup = new Setup();
    assert.equal(route(setup, { scopes: all('a') }), route(setup, { scopes: all('a') }));
    const different = [
      setup.policy,
      route(setup, { scopes: all('a') }),
      route(setup, { scopes: any('a') }),
      route(setup, { roles: all('a') }),
      route(setup, { claims: [oneOf('a', 1)] }),
      route(setup, { claims: [oneOf('a', '1')] }),
      route(setup, { claims: [contains('a', 1)] }),
      route(setup, { claims: [present('a')] }),
      route(setup, { claims: [absent('a')] }),
    ];
    assert.equal(new Set(different).size, different.length);
  });
});
