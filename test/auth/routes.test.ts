import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { signToken } from '../support/tokens.ts';
import { forward, head, issuer, Setup, secretKey } from './support.ts';

describe('routes', () => {
  test('a public route reads no token and keeps it', async () => {
    const setup = new Setup();
    const open = setup.authorizer.policy({ auth: 'none', forward: forward({ 'X-Id': 'sub' }, 'strip') });
    for (const value of [undefined, 'Basic x', 'Bearer junk', `Bearer ${setup.token()}`]) {
      const verdict = setup.authorizer.authorize(open, head(value, 2), { onVerdict: () => assert.fail() });
      assert.deepEqual(verdict, { kind: 'permit', headers: '', stripToken: false });
    }
  });

  test('the permit carries the headers of its own route, even when another route saw the token first', async () => {
    const setup = new Setup();
    const user = setup.route(['main'], { 'X-User': 'sub' });
    const mail = setup.authorizer.policy({
      auth: ['main'],
      forward: forward({ 'X-Mail': 'email' }, 'strip'),
    });
    const none = setup.authorizer.policy({ auth: ['main'], forward: forward({}, 'strip') });
    const token = setup.token({ email: 'u@example.com' });
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await setup.ask(token, user), {
        kind: 'permit',
        headers: 'X-User: user-1\r\n',
        stripToken: false,
      });
      assert.deepEqual(await setup.ask(token, mail), {
        kind: 'permit',
        headers: 'X-Mail: u@example.com\r\n',
        stripToken: true,
      });
      assert.deepEqual(await setup.ask(token, none), { kind: 'permit', headers: '', stripToken: true });
    }
    assert.equal(setup.counters.cacheMisses.value, 1);
    assert.equal(setup.counters.cacheHits.value, 8);
    assert.equal(setup.authorizer.cacheEntries, 1);
  });

  test('a claim that cannot be written as a header refuses the request on that route only', async () => {
    const setup = new Setup();
    const user = setup.route(['main'], { 'X-User': 'sub' });
    const token = setup.token({ sub: 'x'.repeat(5000) });
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await setup.verdict(token, user), 'claim_mismatch expiry');
      assert.equal(await setup.verdict(token), 'permit');
    }
    setup.clock.now += 3_600_000;
    assert.equal(await setup.verdict(token, user), 'token_expired expiry', 'time comes first');
  });

  test('routes with equal demands share their policy, others do not', () => {
    const setup = new Setup();
    assert.equal(setup.route(['main'], { A: 'sub' }), setup.route(['main'], { A: 'sub' }));
    assert.notEqual(setup.route(['main'], { A: 'sub' }), setup.route(['main'], { A: 'aud' }));
    assert.notEqual(
      setup.route(['main']),
      setup.authorizer.policy({ auth: ['main'], forward: forward({}, 'strip') }),
    );
    assert.throws(() => setup.route(['nobody']), /no issuer is called nobody/);
  });
});

describe('several issuers', () => {
  const one = issuer({
    name: 'one',
    issuer: 'https://one.example',
    audience: ['a'],
    keys: [secretKey('secret of issuer one, long enough')],
  });
  const two = issuer({
    name: 'two',
    issuer: 'https://two.example',
    audience: ['b'],
    keys: [secretKey('secret of issuer two, long enough', 'k')],
    algorithms: ['HS512'],
  });
  const again = issuer({
    name: 'again',
    issuer: 'https://one.example',
    audience: ['c', 'a'],
    keys: [secretKey('secret of issuer again, long too')],
    require: ['role'],
  });
  const any = issuer({
    name: 'any',
    issuer: undefined,
    audience: undefined,
    keys: [secretKey('secret of any issuer, long enough')],
  });
  const setup = new Setup({ issuers: [one, two, again, any] });
  const make = (of: typeof one, claims: object, algorithm = 'HS256'): string => {
    const { material } = of.keys[0] as (typeof of.keys)[number];
    assert.equal(material.kind, 'secret');
    return signToken(algorithm, material.kind === 'secret' ? material.secret : '', {
      exp: setup.clock.seconds(60),
      ...claims,
    });
  };

  test('iss selects, then the first issuer whose audience fits', async () => {
    const both = setup.route(['one', 'again']);
    assert.equal(await setup.verdict(make(one, { iss: 'https://one.example', aud: 'a' }), both), 'permit');
    assert.equal(
      await setup.verdict(make(again, { iss: 'https://one.example', aud: 'a' }), both),
      'signature_invalid signature',
    );
    assert.equal(
      await setup.verdict(make(again, { iss: 'https://one.example', aud: 'c' }), both),
      'claim_missing expiry',
    );
    assert.equal(
      await setup.verdict(make(again, { iss: 'https://one.example', aud: 'c', role: 1 }), both),
      'permit',
    );
    assert.equal(
      await setup.verdict(make(one, { iss: 'https://one.example', aud: 'd' }), both),
      'audience_mismatch audience',
    );
  });

  test('alg must suit the selected issuer, not just another one of the route', async () => {
    const both = setup.route(['one', 'two']);
    const token = make(one, { iss: 'https://one.example', aud: 'a' }, 'HS512');
    assert.equal(await setup.verdict(token, both), 'algorithm_not_allowed algorithm');
    assert.equal(
      await setup.verdict(make(two, { iss: 'https://two.example', aud: 'b' }, 'HS512'), both),
      'permit',
    );
    assert.equal(
      await setup.verdict(make(two, { iss: 'https://two.example', aud: 'b' }, 'HS384'), both),
      'algorithm_not_allowed algorithm',
    );
  });

  test("issuer: any accepts what no other issuer names, and never a named issuer's tokens", async () => {
    const both = setup.route(['any', 'one']);
    assert.equal(await setup.verdict(make(any, { iss: 'https://else.example' }), both), 'permit');
    assert.equal(await setup.verdict(make(any, {}), both), 'permit');
    assert.equal(await setup.verdict(make(any, { iss: 5 }), both), 'permit');
    assert.equal(
      await setup.verdict(make(any, { iss: 'https://one.example', aud: 'a' }), both),
      'signature_invalid signature',
    );
    assert.equal(
      await setup.verdict(make(any, { iss: 'https://one.example', aud: 'x' }), both),
      'audience_mismatch audience',
    );
  });

  test("a route does not accept another route's issuer, known token or not", async () => {
    const token = make(one, { iss: 'https://one.example', aud: 'a' });
    assert.equal(await setup.verdict(token, setup.route(['one'])), 'permit');
    assert.equal(await setup.verdict(token, setup.route(['two'])), 'algorithm_not_allowed algorithm');
    assert.equal(await setup.verdict(token, setup.route(['two', 'any'])), 'signature_invalid signature');
    assert.equal(await setup.verdict(token, setup.route(['again'])), 'signature_invalid signature');
    assert.equal(await setup.verdict(token, setup.route(['one'])), 'permit');
  });

  test('the cache never changes which issuer judges a token', async () => {
    const twin = { ...again, name: 'twin', keys: one.keys };
    const pair = new Setup({ issuers: [twin, one] });
    const token = make(one, { iss: 'https://one.example', aud: 'a' });
    assert.equal(await pair.verdict(token, pair.route(['one'])), 'permit');
    assert.equal(await pair.verdict(token, pair.route(['twin', 'one'])), 'claim_missing expiry');
    assert.equal(await pair.verdict(token, pair.route(['one', 'twin'])), 'permit');
    assert.equal(await pair.verdict(token, pair.route(['twin', 'one'])), 'claim_missing expiry');
  });
});
