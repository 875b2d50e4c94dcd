import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { signToken } from '../support/tokens.ts';
import { AUDIENCE, ISSUER, issuer, SECRET, Setup, signedParts, verdictText } from './support.ts';

const json = JSON.stringify;
const header = (changes: object = {}): object => ({ alg: 'HS256', typ: 'JWT', ...changes });

describe('each check has its reason and its stage', () => {
  const setup = new Setup();
  const rows: readonly (readonly [name: string, token: string, expected: string])[] = [
    ['a good token', setup.token(), 'permit'],
    ['one segment', 'abc', 'token_malformed signature'],
    ['two segments', 'a.b', 'token_malformed signature'],
    ['four segments', `${setup.token()}.x`, 'token_malformed signature'],
    ['five segments, as a JWE has', 'a.b.c.d.e', 'token_malformed signature'],
    ['a token of 16 KiB', setup.token({ pad: 'x'.repeat(12_300) }), 'token_malformed signature'],
    ['a token of nearly 16 KiB', setup.token({ pad: 'x'.repeat(11_900) }), 'permit'],
    ['a header that is not JSON', signedParts('{', json(setup.claims())), 'token_malformed algorithm'],
    ['a header that is a list', signedParts('["HS256"]', json(setup.claims())), 'token_malformed algorithm'],
    ['an empty header segment', setup.token().replace(/^[^.]*/, ''), 'token_malformed algorithm'],
    ['a padded header', setup.token().replace('.', '=.'), 'token_malformed algorithm'],
    [
      'alg twice',
      signedParts('{"alg":"HS256","alg":"HS256"}', json(setup.claims())),
      'token_malformed algorithm',
    ],
    [
      'a header that is not UTF-8',
      signedParts(Buffer.from('{"alg":"HS256","x":"\xff"}', 'latin1'), json(setup.claims())),
      'token_malformed algorithm',
    ],
    ['no alg', setup.token({}, { typ: 'JWT' }), 'algorithm_not_allowed algorithm'],
    ['an alg that is a list', setup.token({}, header({ alg: ['HS256'] })), 'algorithm_not_allowed algorithm'],
    ['another alg', signToken('HS384', SECRET, setup.claims()), 'algorithm_not_allowed algorithm'],
    ['alg in small letters', setup.token({}, header({ alg: 'hs256' })), 'algorithm_not_allowed algorithm'],
    [
      'alg with a trailing NUL',
      setup.token({}, header({ alg: 'HS256\0' })),
      'algorithm_not_allowed algorithm',
    ],
    ['a payload that is not JSON', signedParts(json(header()), 'hello'), 'token_malformed issuer'],
    ['a payload that is a list', signedParts(json(header()), '[]'), 'token_malformed issuer'],
    ['an empty payload', signedParts(json(header()), ''), 'token_malformed issuer'],
    [
      'a repeated claim',
      signedParts(json(header()), `${json(setup.claims()).slice(0, -1)},"iss":"${ISSUER}"}`),
      'token_malformed issuer',
    ],
    [
      'a payload that is not UTF-8',
      signedParts(json(header()), Buffer.from(json(setup.claims({ x: '\xff' })), 'latin1')),
      'token_malformed issuer',
    ],
    ['no iss', setup.token({ iss: undefined }), 'issuer_mismatch issuer'],
    ['iss null', setup.token({ iss: null }), 'issuer_mismatch issuer'],
    ['iss as a list', setup.token({ iss: ['https://evil.example', ISSUER] }), 'issuer_mismatch issuer'],
    ['iss with a slash more', setup.token({ iss: `${ISSUER}/` }), 'issuer_mismatch issuer'],
    ['iss with a trailing NUL', setup.token({ iss: `${ISSUER}\0` }), 'issuer_mismatch issuer'],
    ['iss in other letters', setup.token({ iss: ISSUER.toUpperCase() }), 'issuer_mismatch issuer'],
    ['no aud', setup.token({ aud: undefined }), 'audience_mismatch audience'],
    ['another aud', setup.token({ aud: 'app-2' }), 'audience_mismatch audience'],
    ['aud in a list', setup.token({ aud: ['app-2', AUDIENCE] }), 'permit'],
    ['aud in a list with a number', setup.token({ aud: [AUDIENCE, 1] }), 'audience_mismatch audience'],
    ['aud in a list in a list', setup.token({ aud: [[AUDIENCE]] }), 'audience_mismatch audience'],
    ['an empty aud list', setup.token({ aud: [] }), 'audience_mismatch audience'],
    ['aud as an object', setup.token({ aud: { [AUDIENCE]: 1 } }), 'audience_mismatch audience'],
    [
      'an aud of ten thousand letters',
      setup.token({ aud: 'a'.repeat(10_000) }),
      'audience_mismatch audience',
    ],
    [
      'crit with an unknown name',
      setup.token({}, header({ crit: ['exp'], exp: 1 })),
      'token_malformed signature',
    ],
    ['crit null', setup.token({}, header({ crit: null })), 'token_malformed signature'],
    ['an empty crit', setup.token({}, header({ crit: [] })), 'token_malformed signature'],
    ['crit as text', setup.token({}, header({ crit: 'b64' })), 'token_malformed signature'],
    [
      'crit with a repetition',
      setup.token({}, header({ crit: ['a', 'a'], a: 1 })),
      'token_malformed signature',
    ],
    ['b64 false', setup.token({}, header({ b64: false })), 'token_malformed signature'],
    ['b64 true', setup.token({}, header({ b64: true })), 'token_malformed signature'],
    ['kid as a number', setup.token({}, header({ kid: 1 })), 'token_malformed signature'],
    ['kid null', setup.token({}, header({ kid: null })), 'token_malformed signature'],
    ['any kid, for a key without one', setup.token({}, header({ kid: 'whatever' })), 'permit'],
    ['no signature', setup.token().replace(/[^.]*$/, ''), 'signature_invalid signature'],
    ['a padded signature', `${setup.token()}=`, 'token_malformed signature'],
    ['another signature', setup.token().replace(/[^.]{20}$/, 'A'.repeat(20)), 'signature_invalid signature'],
    [
      'the signature of other claims',
      `${setup.token({ sub: 'x' }).replace(/[^.]*$/, '')}${setup.token().replace(/^.*\./, '')}`,
      'signature_invalid signature',
    ],
    ['no exp', setup.token({ exp: undefined }), 'claim_missing expiry'],
    ['exp null', setup.token({ exp: null }), 'token_malformed expiry'],
    ['exp as text', setup.token({ exp: '9999999999' }), 'token_malformed expiry'],
    ['exp true', setup.token({ exp: true }), 'token_malformed expiry'],
    ['exp as a list', setup.token({ exp: [9_999_999_999] }), 'token_malformed expiry'],
    ['exp as an object', setup.token({ exp: {} }), 'token_malformed expiry'],
    ['exp negative', setup.token({ exp: -1 }), 'token_malformed expiry'],
    ['exp after the last Date', setup.token({ exp: 8.65e12 }), 'token_malformed expiry'],
    ['exp 1e308', setup.token({ exp: 1e308 }), 'token_malformed expiry'],
    [
      'exp 1e400',
      signedParts(json(header()), json(setup.claims({ exp: 0 })).replace('"exp":0', '"exp":1e400')),
      'token_malformed expiry',
    ],
    [
      'exp 1e1000000',
      signedParts(json(header()), json(setup.claims({ exp: 0 })).replace('"exp":0', '"exp":1e1000000')),
      'token_malformed expiry',
    ],
    ['exp 0', setup.token({ exp: 0 }), 'token_expired expiry'],
    ['exp now', setup.token({ exp: setup.clock.seconds() }), 'token_expired expiry'],
    ['exp a millisecond ahead', setup.token({ exp: setup.clock.seconds(0.001) }), 'permit'],
    ['exp and a fraction', setup.token({ exp: setup.clock.seconds(0.5) }), 'permit'],
    ['nbf ahead', setup.token({ nbf: setup.clock.seconds(1) }), 'token_not_yet_valid expiry'],
    ['nbf now', setup.token({ nbf: setup.clock.seconds() }), 'permit'],
    ['nbf as text', setup.token({ nbf: '0' }), 'token_malformed expiry'],
    ['nbf null', setup.token({ nbf: null }), 'token_malformed expiry'],
    ['iat ahead', setup.token({ iat: setup.clock.seconds(60) }), 'permit'],
    ['iat as text', setup.token({ iat: '0' }), 'token_malformed expiry'],
    ['iat null', setup.token({ iat: null }), 'token_malformed expiry'],
  ];
  for (const [name, token, expected] of rows) {
    test(`${name}: ${expected}`, async () => {
      assert.equal(await setup.verdict(token), expected);
      assert.equal(await setup.verdict(token), expected, 'the second time');
    });
  }
});

describe('the first fault in the order is reported', () => {
  const setup = new Setup();
  const wrong = { alg: { alg: 'RS256' }, iss: { iss: 'x' }, aud: { aud: 'x' }, exp: { exp: 0 } };
  const spoilt = (token: string): string => `${token.slice(0, -43)}${'A'.repeat(43)}`;
  const rows: readonly (readonly [string, string, string])[] = [
    ['alg before iss', setup.token(wrong.iss, wrong.alg), 'algorithm_not_allowed algorithm'],
    ['iss before aud', setup.token({ ...wrong.iss, ...wrong.aud }), 'issuer_mismatch issuer'],
    ['aud before the signature', spoilt(setup.token(wrong.aud)), 'audience_mismatch audience'],
    ['aud before crit', setup.token(wrong.aud, header({ crit: [] })), 'audience_mismatch audience'],
    ['the signature before exp', spoilt(setup.token(wrong.exp)), 'signature_invalid signature'],
    ['crit before exp', setup.token(wrong.exp, header({ crit: [] })), 'token_malformed signature'],
    ['exp before nbf', setup.token({ exp: 0, nbf: setup.clock.seconds(9) }), 'token_expired expiry'],
    ['exp before iat', setup.token({ exp: 0, iat: 'x' }), 'token_expired expiry'],
    ['nbf before iat', setup.token({ nbf: setup.clock.seconds(9), iat: 'x' }), 'token_not_yet_valid expiry'],
  ];
  for (const [name, token, expected] of rows) {
    test(name, async () => assert.equal(await setup.verdict(token), expected));
  }
});

describe("HAProxy's order", () => {
  const plain = new Setup();
  const setup = new Setup({ haproxyOrder: true });
  const good = setup.token();
  const [first, second] = good.split('.') as [string, string, string];
  const long = { pad: 'x'.repeat(12_300) };
  const rows: readonly (readonly [
    name: string,
    value: string | undefined,
    count: number,
    haproxy: string,
    usual: string,
  ])[] = [
    ['nothing', undefined, 0, 'token_missing header', 'token_missing header'],
    ['Basic', 'Basic abc', 1, 'token_missing algorithm', 'token_missing algorithm'],
    ['garbage', 'Bearer abc', 1, 'token_malformed algorithm', 'token_malformed signature'],
    ['only a header segment', `Bearer ${first}`, 1, 'token_malformed issuer', 'token_malformed signature'],
    [
      'two segments',
      `Bearer ${first}.${second}`,
      1,
      'token_malformed signature',
      'token_malformed signature',
    ],
    ['four segments', `Bearer ${good}.x`, 1, 'token_malformed signature', 'token_malformed signature'],
    [
      'four segments, bad alg',
      `Bearer ${setup.token({}, { alg: 'none' })}.x`,
      1,
      'algorithm_not_allowed algorithm',
      'token_malformed signature',
    ],
    [
      'two segments, bad iss',
      `Bearer ${setup.token({ iss: 'x' }).replace(/\.[^.]*$/, '')}`,
      1,
      'issuer_mismatch issuer',
      'token_malformed signature',
    ],
    ['too long', `Bearer ${setup.token(long)}`, 1, 'token_malformed signature', 'token_malformed signature'],
    [
      'too long, bad aud',
      `Bearer ${setup.token({ ...long, aud: 'x' })}`,
      1,
      'audience_mismatch audience',
      'token_malformed signature',
    ],
    [
      'two headers',
      `Bearer ${good}`,
      2,
      'authorization_ambiguous signature',
      'authorization_ambiguous signature',
    ],
    [
      'two headers, the first not Bearer',
      'Basic abc',
      2,
      'token_missing algorithm',
      'authorization_ambiguous signature',
    ],
    [
      'two headers, the first with bad iss',
      `Bearer ${setup.token({ iss: 'x' })}`,
      2,
      'issuer_mismatch issuer',
      'authorization_ambiguous signature',
    ],
    [
      'two headers, the first expired',
      `Bearer ${setup.token({ exp: 0 })}`,
      2,
      'authorization_ambiguous signature',
      'authorization_ambiguous signature',
    ],
  ];
  for (const [name, value, count, haproxy, usual] of rows) {
    test(name, async () => {
      assert.equal(verdictText(await setup.askRaw(value, count)), haproxy);
      assert.equal(verdictText(await plain.askRaw(value, count)), usual);
    });
  }

  test('a second header is refused even if the first token is known', async () => {
    for (const each of [setup, plain]) {
      assert.equal(await each.verdict(good), 'permit');
      assert.equal(verdictText(await each.askRaw(`Bearer ${good}`, 2)), 'authorization_ambiguous signature');
      assert.equal(await each.verdict(good), 'permit');
    }
  });
});

describe('time passes for a known token', () => {
  const ask = (setup: Setup, token: string): string => {
    const verdict = setup.now(token);
    return verdict === 'pending' ? verdict : verdictText(verdict);
  };

  test('it expires to the millisecond, and its entry is removed', () => {
    const setup = new Setup();
    const token = setup.token({ exp: setup.clock.seconds(10) });
    assert.equal(ask(setup, token), 'permit');
    setup.clock.now += 9_999;
    assert.equal(ask(setup, token), 'permit');
    assert.equal(setup.authorizer.cacheEntries, 1);
    setup.clock.now += 1;
    assert.equal(ask(setup, token), 'token_expired expiry');
    assert.equal(setup.authorizer.cacheEntries, 0);
    assert.equal(ask(setup, token), 'token_expired expiry');
  });

  test('the tolerance extends both ends, not a millisecond further', () => {
    const setup = new Setup({ issuers: [issuer({ clockToleranceMs: 5000 })] });
    const token = setup.token({ exp: setup.clock.seconds(10), nbf: setup.clock.seconds(6) });
    assert.equal(ask(setup, token), 'token_not_yet_valid expiry');
    setup.clock.now += 999;
    assert.equal(ask(setup, token), 'token_not_yet_valid expiry');
    setup.clock.now += 1;
    assert.equal(ask(setup, token), 'permit');
    setup.clock.now += 13_999;
    assert.equal(ask(setup, token), 'permit');
    setup.clock.now += 1;
    assert.equal(ask(setup, token), 'token_expired expiry');
  });

  test('a token refused before its nbf is accepted afterwards', () => {
    const setup = new Setup();
    const token = setup.token({ nbf: setup.clock.seconds(10) });
    for (let n = 0; n < 3; n += 1) assert.equal(ask(setup, token), 'token_not_yet_valid expiry');
    setup.clock.now += 10_000;
    assert.equal(ask(setup, token), 'permit');
  });

  test('a known token is refused when the clock is set back before its nbf', () => {
    const setup = new Setup();
    const token = setup.token({ nbf: setup.clock.seconds() });
    assert.equal(ask(setup, token), 'permit');
    setup.clock.now -= 1;
    assert.equal(ask(setup, token), 'token_not_yet_valid expiry');
    setup.clock.now += 1;
    assert.equal(ask(setup, token), 'permit');
  });

  test('exp may be missing only where the issuer allows it, and still counts where it is present', () => {
    const setup = new Setup({ issuers: [issuer({ expiry: 'optional' })] });
    assert.equal(ask(setup, setup.token({ exp: undefined })), 'permit');
    assert.equal(ask(setup, setup.token({ exp: null })), 'token_malformed expiry');
    assert.equal(ask(setup, setup.token({ exp: 0 })), 'token_expired expiry');
  });
});

describe('required claims', () => {
  const setup = new Setup({ issuers: [issuer({ require: ['applicationId', '__proto__'] })] });
  const raw = (claims: string): string =>
    signedParts(json(header()), `${json(setup.claims()).slice(0, -1)},${claims}}`);

  test('must be present as own members, and not null', async () => {
    assert.equal(await setup.verdict(raw('"applicationId":"a","__proto__":1')), 'permit');
    assert.equal(await setup.verdict(raw('"applicationId":false,"__proto__":""')), 'permit');
    assert.equal(await setup.verdict(raw('"applicationId":null,"__proto__":1')), 'claim_missing expiry');
    assert.equal(await setup.verdict(raw('"applicationId":"a"')), 'claim_missing expiry');
    assert.equal(await setup.verdict(raw('"roles":[]')), 'claim_missing expiry');
  });
});
