import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { issuer, Setup } from './support.ts';

type Changes = Parameters<typeof issuer>[0];

const refused = 'claim_mismatch rules';

/** The verdict on a token with this header and these claims, asked twice so that the cache is used too. */
async function verdict(changes: Changes, claims: object, header: object = { typ: 'JWT' }): Promise<string> {
  const setup = new Setup({ issuers: [issuer(changes)] });
  const token = setup.token({ ...claims }, { alg: 'HS256', ...header });
  const first = await setup.verdict(token);
  assert.equal(await setup.verdict(token), first);
  return first;
}

describe('tokenTypes', () => {
  const rows: [types: string[], header: object, good: boolean][] = [
    [['at+jwt'], { typ: 'at+jwt' }, true],
    [['at+jwt'], { typ: 'AT+JWT' }, true],
    [['AT+jwt'], { typ: 'at+jwt' }, true],
    [['at+jwt'], { typ: 'application/at+jwt' }, true],
    [['at+jwt'], { typ: 'APPLICATION/at+jwt' }, true],
    [['application/at+jwt'], { typ: 'at+jwt' }, true],
    [['at+jwt'], { typ: 'application/application/at+jwt' }, false],
    [['at+jwt'], { typ: 'text/at+jwt' }, false],
    [['a/b'], { typ: 'application/a/b' }, false],
    [['a/b'], { typ: 'A/b' }, true],
    [['at+jwt'], { typ: 'JWT' }, false],
    [['at+jwt'], { typ: 'at+jwt ' }, false],
    [['at+jwt'], { typ: 'xat+jwt' }, false],
    [['at+jwt'], { typ: '' }, false],
    [['at+jwt'], { typ: null }, false],
    [['at+jwt'], { typ: ['at+jwt'] }, false],
    [['at+jwt'], {}, false],
    [['JWT', 'at+jwt'], { typ: 'jwt' }, true],
    [['JWT', 'absent'], {}, true],
    [['JWT', 'absent'], { typ: 'at+jwt' }, false],
    [['JWT', 'absent'], { typ: null }, false],
    [['JWT', 'absent'], { typ: 'absent' }, false],
  ];
  for (const [types, header, good] of rows) {
    test(`${types} and ${JSON.stringify(header)}: ${good ? 'let in' : 'refused'}`, async () => {
      assert.equal(await verdict({ tokenTypes: types }, {}, header), good ? 'permit' : refused);
    });
  }

  test('without the key typ is ignored', async () => {
    for (const header of [{}, { typ: 'x' }, { typ: 5 }])
      assert.equal(await verdict({}, {}, header), 'permit');
  });

  test('the type of one token is not used for the next with the same key', async () => {
    const setup = new Setup({ issuers: [issuer({ tokenTypes: ['at+jwt'] })] });
    for (const [typ, expected] of [
      ['at+jwt', 'permit'],
      ['JWT', refused],
      ['at+jwt', 'permit'],
      ['JWT', refused],
    ] as const) {
      for (const sub of ['one', 'two']) {
        assert.equal(await setup.verdict(setup.token({ sub }, { alg: 'HS256', typ })), expected);
      }
    }
  });
});

describe('rejectIdTokens', () => {
  const marks: object[] = [
    { nonce: 'n' },
    { nonce: null },
    { at_hash: 'h' },
    { c_hash: 'h' },
    { s_hash: 'h' },
    { typ: 'ID' },
    { token_use: 'id' },
  ];
  for (const claims of marks) {
    test(`${JSON.stringify(claims)} marks an ID token`, async () => {
      assert.equal(await verdict({ rejectIdTokens: true }, claims), refused);
      assert.equal(await verdict({ rejectIdTokens: true }, claims, {}), refused);
      assert.equal(await verdict({}, claims), 'permit', 'only where it is asked for');
      for (const typ of ['at+jwt', 'application/AT+JWT']) {
        assert.equal(await verdict({ rejectIdTokens: true }, claims, { typ }), 'permit', 'RFC 9068 §2.1');
      }
    });
  }

  test('claims that access tokens also have mark none', async () => {
    const claims = {
      auth_time: 1_700_000_000,
      acr: '1',
      amr: ['pwd'],
      azp: 'client',
      sid: 's',
      email: 'u@example.com',
      typ: 'Bearer',
      token_use: 'access',
    };
    assert.equal(await verdict({ rejectIdTokens: true }, claims), 'permit');
  });
});

describe('a token that is bound to a key', () => {
  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: {} }, { kid: 'x' }, {}, null, '']) {
    test(`cnf ${JSON.stringify(cnf)} makes it no bearer token, whatever the other claims`, async () => {
      assert.equal(await verdict({}, { cnf }), refused);
      assert.equal(await verdict({ tokenTypes: ['at+jwt'] }, { cnf }, { typ: 'at+jwt' }), refused);
    });
  }

  test('is refused on every route of its issuer, and not kept', async () => {
    const setup = new Setup();
    const token = setup.token({ cnf: { jkt: 'x' } });
    assert.equal(await setup.verdict(token), refused);
    assert.equal(await setup.verdict(token, setup.route(['main'], { 'X-User': 'sub' })), refused);
    assert.equal(setup.authorizer.cacheEntries, 0);
  });
});

describe('maxAge', () => {
  const hour = { maxAgeMs: 3_600_000 };
  const make = (changes: Changes = hour): Setup => new Setup({ issuers: [issuer(changes)] });

  test('iat must be present, and be a time', async () => {
    const setup = make();
    assert.equal(await setup.verdict(setup.token()), 'claim_missing expiry');
    assert.equal(await setup.verdict(setup.token({ iat: null })), 'token_malformed expiry');
    assert.equal(await setup.verdict(setup.token({ iat: '1' })), 'token_malformed expiry');
    assert.equal(await new Setup().verdict(new Setup().token()), 'permit', 'but not without a maximum');
  });

  test('ends a token before its exp, known or not, to the second', async () => {
    const setup = make();
    const token = setup.token({ iat: setup.clock.seconds(), exp: setup.clock.seconds(86_400) });
    assert.equal(await setup.verdict(token), 'permit');
    setup.clock.now += 3_599_999;
    assert.equal(await setup.verdict(token), 'permit');
    setup.clock.now += 1;
    assert.equal(await setup.verdict(token), 'token_expired expiry');
    assert.equal(await setup.verdict(token), 'token_expired expiry');
    assert.equal(setup.authorizer.cacheEntries, 0);
  });

  test('does not extend exp', async () => {
    const setup = make();
    const token = setup.token({ iat: setup.clock.seconds(), exp: setup.clock.seconds(60) });
    assert.equal(await setup.verdict(token), 'permit');
    setup.clock.now += 60_000;
    assert.equal(await setup.verdict(token), 'token_expired expiry');
  });

  test('holds without exp', async () => {
    const setup = make({ ...hour, expiry: 'optional' });
    const token = setup.token({ iat: setup.clock.seconds(), exp: undefined });
    assert.equal(await setup.verdict(token), 'permit');
    setup.clock.now += 3_600_000;
    assert.equal(await setup.verdict(token), 'token_expired expiry');
  });

  test('a future iat is not valid yet', async () => {
    const setup = make();
    const token = setup.token({ iat: setup.clock.seconds(10) });
    assert.equal(await setup.verdict(token), 'token_not_yet_valid expiry');
    setup.clock.now += 10_000;
    assert.equal(await setup.verdict(token), 'permit');
    assert.equal(await new Setup().verdict(setup.token({ iat: setup.clock.seconds(10) })), 'permit');
  });

  test('the later of nbf and iat counts', async () => {
    const setup = make();
    const { clock } = setup;
    const token = setup.token({ iat: clock.seconds(-10), nbf: clock.seconds(5) });
    assert.equal(await setup.verdict(token), 'token_not_yet_valid expiry');
    clock.now += 5_000;
    assert.equal(await setup.verdict(token), 'permit');
  });

  test('clocks may differ by the tolerance, on both sides', async () => {
    const setup = make({ ...hour, clockToleranceMs: 5_000 });
    const { clock } = setup;
    const times = (iat: number): string =>
      setup.token({ iat: clock.seconds(iat), exp: clock.seconds(86_400) });
    assert.equal(await setup.verdict(times(5)), 'permit');
    assert.equal(await setup.verdict(times(6)), 'token_not_yet_valid expiry');
    assert.equal(await setup.verdict(times(-3604)), 'permit');
    assert.equal(await setup.verdict(times(-3605)), 'token_expired expiry');
  });
});

describe('audience: all of them', () => {
  const both = { audience: ['a', 'b'], audienceMatch: 'all' as const };
  const rows: [aud: unknown, good: boolean][] = [
    [['a', 'b'], true],
    [['b', 'x', 'a'], true],
    [['a'], false],
    ['a', false],
    ['a b', false],
    [['a', 'b', 1], false],
    [['a', 'a'], false],
    [[], false],
    [undefined, false],
    [{ a: 1, b: 1 }, false],
  ];
  for (const [aud, good] of rows) {
    test(`${JSON.stringify(aud)} is ${good ? '' : 'not '}enough`, async () => {
      assert.equal(await verdict(both, { aud }), good ? 'permit' : 'audience_mismatch audience');
    });
  }

  test('a single required audience may be a text', async () => {
    assert.equal(await verdict({ audience: ['a'], audienceMatch: 'all' }, { aud: 'a' }), 'permit');
    assert.equal(await verdict({ audience: ['a'], audienceMatch: 'all' }, { aud: ['a', 'c'] }), 'permit');
  });
});
