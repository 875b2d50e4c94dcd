import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { SignatureVerifier } from '../../src/auth/verify/signature.ts';
import { keyPair, rs256, signToken, type TestKey } from '../support/tokens.ts';
import { issuer, publicKey, SECRET, Setup, secretKey } from './support.ts';

const asymmetric = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];

describe('each algorithm accepts what its own key signed and nothing that a twin key signed', () => {
  for (const algorithm of asymmetric) {
    test(algorithm, async () => {
      const key = keyPair(algorithm);
      const twin = keyPair(algorithm);
      const setup = new Setup({
        issuers: [issuer({ algorithms: [algorithm], keys: [publicKey(key, [algorithm])] })],
      });
      await setup.authorizer.start();
      try {
        assert.equal(await setup.verdict(signToken(algorithm, key, setup.claims())), 'permit');
        assert.equal(
          await setup.verdict(signToken(algorithm, twin, setup.claims())),
          'signature_invalid signature',
        );
        assert.equal(setup.authorizer.cacheEntries, 1);
      } finally {
        await setup.authorizer.close();
      }
    });
  }

  for (const algorithm of ['HS256', 'HS384', 'HS512']) {
    test(algorithm, async () => {
      const setup = new Setup({ issuers: [issuer({ algorithms: [algorithm] })] });
      assert.equal(await setup.verdict(signToken(algorithm, SECRET, setup.claims())), 'permit');
      assert.equal(
        await setup.verdict(signToken(algorithm, `${SECRET}.`, setup.claims())),
        'signature_invalid signature',
      );
    });
  }
});

describe('forged tokens', () => {
  const key = keyPair('RS256');
  const ec = keyPair('ES256');
  const setup = new Setup({
    issuers: [
      issuer({
        algorithms: ['RS256', 'ES256'],
        keys: [publicKey(key, ['RS256']), publicKey(ec, ['ES256'])],
      }),
    ],
  });
  before(() => setup.authorizer.start());
  after(() => setup.authorizer.close());

  test('alg none is refused in every spelling, signed or not', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', 'none ', '', 'NoNe\0', null, [], ['none'], 0, true]) {
      const token = rs256(key, setup.claims(), { alg, typ: 'JWT' });
      assert.equal(await setup.verdict(token), 'algorithm_not_allowed algorithm', String(alg));
      assert.equal(
        await setup.verdict(token.replace(/[^.]*$/, '')),
        'algorithm_not_allowed algorithm',
        String(alg),
      );
    }
  });

  test('HMAC keyed with the public key in any encoding is refused by its alg', async () => {
    const jwk = JSON.stringify(key.publicKey.export({ format: 'jwk' }));
    const pkcs1 = key.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const dresses = [
      key.pem,
      key.pem.trim(),
      ` ${key.pem}`,
      `\n${key.pem}`,
      `x${key.pem}`,
      pkcs1,
      jwk,
      ec.pem,
    ];
    for (const secret of [...dresses, key.pem.replaceAll('\n', '\r\n'), `{"keys":[${jwk}]}`, '']) {
      for (const algorithm of ['HS256', 'HS384', 'HS512']) {
        const token = signToken(algorithm, secret, setup.claims());
        assert.equal(await setup.verdict(token), 'algorithm_not_allowed algorithm');
      }
    }
  });

  test('an HMAC issuer on the same route does not lend its alg to the RSA issuer', async () => {
    const hmac = issuer({ name: 'hmac', issuer: 'https://hmac.example' });
    const rsa = issuer({ name: 'rsa', algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] });
    const both = new Setup({ issuers: [hmac, rsa] });
    for (const secret of [key.pem, SECRET]) {
      const token = signToken('HS256', secret, both.claims());
      assert.equal(await both.verdict(token), 'algorithm_not_allowed algorithm');
    }
  });

  test('a key is used with its own algorithm only, though the issuer allows others', async () => {
    const token = rs256(key, setup.claims(), { alg: 'ES256' });
    assert.equal(await setup.verdict(token), 'signature_invalid signature');
    assert.equal(
      await setup.verdict(signToken('ES256', ec, setup.claims(), { alg: 'RS256' })),
      'signature_invalid signature',
    );
    assert.equal(
      await setup.verdict(signToken('PS256', key, setup.claims())),
      'algorithm_not_allowed algorithm',
    );
    assert.equal(
      await setup.verdict(signToken('PS256', key, setup.claims(), { alg: 'RS256' })),
      'signature_invalid signature',
    );
  });

  test('psychic signatures: zeros, empty, too short, too long', async () => {
    const input = signToken('ES256', ec, setup.claims()).replace(/[^.]*$/, '');
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    const signatures = [
      Buffer.alloc(64),
      Buffer.alloc(0),
      Buffer.alloc(63),
      Buffer.alloc(65),
      Buffer.alloc(64, 0xff),
    ];
    for (const signature of [
      ...signatures,
      Buffer.concat([order, order]),
      Buffer.alloc(1),
      Buffer.alloc(600),
    ]) {
      assert.equal(
        await setup.verdict(input + signature.toString('base64url')),
        'signature_invalid signature',
      );
    }
    assert.notEqual(setup.now(input), 'pending', 'an empty signature does not trouble a thread');
    const rsaInput = rs256(key, setup.claims()).replace(/[^.]*$/, '');
    for (const length of [0, 1, 255, 256, 257, 4096]) {
      const signature = Buffer.alloc(length).toString('base64url');
      assert.equal(await setup.verdict(rsaInput + signature), 'signature_invalid signature', String(length));
    }
  });

  test('a key inside the token is never used', async () => {
    const own = keyPair('RS256');
    const jwk = own.publicKey.export({ format: 'jwk' });
    const headers = [
      { jwk },
      { jku: 'http://127.0.0.1:1/keys' },
      { x5u: 'http://127.0.0.1:1/' },
      { x5c: ['AAAA'] },
    ];
    for (const extra of [...headers, { kid: '../../dev/null' }, { kid: "' OR 1=1" }]) {
      const token = rs256(own, setup.claims(), { alg: 'RS256', ...extra });
      assert.equal(await setup.verdict(token), 'signature_invalid signature');
      const genuine = rs256(key, setup.claims(), { alg: 'RS256', ...extra });
      assert.equal(await setup.verdict(genuine), 'permit');
    }
  });

  test('all other spellings of a signature, payload or header are refused', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const token = rs256(key, setup.claims());
    assert.equal(await setup.verdict(token), 'permit');
    const last = alphabet.indexOf(token.at(-1) as string);
    assert.equal(token.split('.')[2]?.length, 342, 'four bits of the last character are spare');
    for (let spare = 1; spare < 16; spare += 1) {
      const spelling = token.slice(0, -1) + alphabet[last ^ spare];
      assert.deepEqual(
        Buffer.from(spelling.split('.')[2] as string, 'base64url'),
        Buffer.from(token.split('.')[2] as string, 'base64url'),
      );
      assert.equal(await setup.verdict(spelling), 'token_malformed signature');
    }
    assert.equal(await setup.verdict(`${token}==`), 'token_malformed signature');
    assert.equal(await setup.verdict(`${token}%3D`), 'token_malformed signature');
    assert.equal(await setup.verdict(`"${token}"`), 'token_malformed algorithm');
    assert.equal(await setup.verdict(`${token}\u00e9`), 'token_malformed signature');
    assert.equal(setup.authorizer.cacheEntries >= 1, true);
  });

  test('two tokens that differ only in the payload are two identities', async () => {
    const policy = setup.route(['main'], { 'X-User': 'sub' });
    const verdicts = await Promise.all(
      ['a', 'b', 'a', 'b'].map((sub) => setup.ask(rs256(key, setup.claims({ sub })), policy)),
    );
    assert.deepEqual(
      verdicts.map((verdict) => (verdict.kind === 'permit' ? verdict.headers : verdict.reason)),
      ['X-User: a\r\n', 'X-User: b\r\n', 'X-User: a\r\n', 'X-User: b\r\n'],
    );
  });

  test('the same token is accepted a hundred times in a row', async () => {
    const token = rs256(key, setup.claims({ sub: 'again' }));
    for (let n = 0; n < 100; n += 1) assert.equal(await setup.verdict(token), 'permit');
  });
});

describe('kid', () => {
  const keys: Record<string, TestKey> = { a: keyPair('ES256'), b: keyPair('ES256'), c: keyPair('ES256') };
  const of = (name: string, kid: string | undefined = name) =>
    publicKey(keys[name] as TestKey, ['ES256'], kid);
  const setup = new Setup({
    issuers: [
      issuer({ name: 'one', issuer: 'one', algorithms: ['ES256', 'RS256'], keys: [of('a'), of('b')] }),
      issuer({ name: 'two', issuer: 'two', algorithms: ['ES256'], keys: [of('b', 'a'), of('a', 'b')] }),
      issuer({
        name: 'mixed',
        issuer: 'mixed',
        algorithms: ['ES256'],
        keys: [of('a'), publicKey(keys['c'] as TestKey, ['ES256'])],
      }),
      issuer({ name: 'empty', issuer: 'empty', algorithms: ['ES256'], keys: [] }),
    ],
  });
  const make = (iss: string, signer: string, kid?: string): string =>
    signToken('ES256', keys[signer] as TestKey, setup.claims({ iss }), {
      alg: 'ES256',
      ...(kid === undefined ? {} : { kid }),
    });
  before(() => setup.authorizer.start());
  after(() => setup.authorizer.close());

  test('selects the one key that verifies', async () => {
    assert.equal(await setup.verdict(make('one', 'a', 'a')), 'permit');
    assert.equal(await setup.verdict(make('one', 'b', 'b')), 'permit');
    assert.equal(await setup.verdict(make('one', 'a', 'b')), 'signature_invalid signature');
    assert.equal(await setup.verdict(make('one', 'a', 'A')), 'key_unknown signature');
    assert.equal(await setup.verdict(make('one', 'a', '')), 'key_unknown signature');
  });

  test('belongs to its issuer: another issuer has another key under the same kid', async () => {
    assert.equal(await setup.verdict(make('two', 'a', 'a')), 'signature_invalid signature');
    assert.equal(await setup.verdict(make('two', 'b', 'a')), 'permit');
    assert.equal(await setup.verdict(make('two', 'a', 'b')), 'permit');
  });

  test('missing in the token, any fitting key verifies; missing in the set, a key fits any kid', async () => {
    assert.equal(await setup.verdict(make('one', 'b')), 'permit');
    assert.equal(await setup.verdict(make('one', 'c')), 'signature_invalid signature');
    assert.equal(await setup.verdict(make('mixed', 'c', 'whatever')), 'permit');
    assert.equal(await setup.verdict(make('mixed', 'c', 'a')), 'permit');
    assert.equal(await setup.verdict(make('mixed', 'a', 'whatever')), 'signature_invalid signature');
  });

  test('without a key for the alg the key is unknown; without any key the token cannot be judged', async () => {
    const rsa = keyPair('RS256');
    assert.equal(await setup.verdict(rs256(rsa, setup.claims({ iss: 'one' }))), 'key_unknown signature');
    assert.equal(await setup.verdict(make('empty', 'a')), 'keys_unavailable signature');
  });

  test('the number of keys tried for a token without kid is bounded', async () => {
    const many = Array.from({ length: 9 }, (_, n) =>
      secretKey(`secret number ${n}, as long as it needs to be`, `k${n}`),
    );
    const crowd = new Setup({ issuers: [issuer({ keys: many })] });
    const by = (n: number, header: object): string =>
      signToken('HS256', `secret number ${n}, as long as it needs to be`, crowd.claims(), {
        alg: 'HS256',
        ...header,
      });
    assert.equal(await crowd.verdict(by(7, {})), 'permit');
    assert.equal(await crowd.verdict(by(8, {})), 'signature_invalid signature');
    assert.equal(await crowd.verdict(by(8, { kid: 'k8' })), 'permit');
  });
});

describe('prepared keys', () => {
  test('are distinguished by their material, even under one id', () => {
    const verifier = new SignatureVerifier();
    for (const [signer, holder] of ['ab', 'ba', 'aa', 'bb']) {
      const token = signToken('HS256', `the secret of ${signer}, long enough`, {});
      const key = { ...secretKey(`the secret of ${holder}, long enough`), id: 'same' };
      assert.equal(verifier.verify(token, { algorithm: 'HS256', keys: [key] }), signer === holder);
    }
  });

  test('still verify when there are more of them than the cache keeps', () => {
    const verifier = new SignatureVerifier();
    for (const n of [...Array(300).keys(), 0, 299]) {
      const secret = `secret number ${n}, long enough for HS256`;
      const choice = { algorithm: 'HS256', keys: [secretKey(secret)] };
      assert.equal(verifier.verify(signToken('HS256', secret, {}), choice), true);
      assert.equal(verifier.verify(signToken('HS256', 'another one', {}), choice), false);
    }
  });
});

describe('keys that cannot be used', () => {
  test('stop the authorizer from being built, and the error does not contain their text', () => {
    const key = keyPair('RS256');
    const wrong = [
      issuer({ algorithms: ['ES256'], keys: [publicKey(key, ['ES256'])] }),
      issuer({ algorithms: ['HS256'], keys: [publicKey(key, ['HS256'])] }),
      issuer({ algorithms: ['HS256'], keys: [{ ...secretKey(''), id: 'empty' }] }),
      issuer({ algorithms: ['RS256'], keys: [{ ...secretKey('top secret text'), algorithms: ['RS256'] }] }),
      issuer({ algorithms: ['none'], keys: [publicKey(key, ['none'])] }),
      issuer({
        algorithms: ['RS256'],
        keys: [{ ...publicKey(key, ['RS256']), material: { kind: 'public', pem: 'junk' } }],
      }),
    ];
    for (const config of wrong) {
      assert.throws(
        () => new Setup({ issuers: [config] }),
        /^Error: issuer main: a key cannot be used with \w+$/,
      );
    }
  });
});

describe('one character changed', () => {
  const setup = new Setup();
  const token = setup.token();

  test('never yields a permit, at any place, for any character, whether the token is known or not', async () => {
    assert.equal(await setup.verdict(token), 'permit');
    const character = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.nat(token.length - 1), character, (at, other) => {
        fc.pre(token[at] !== other);
        // A space at the end is not part of the token.
        fc.pre(!(other === ' ' && (at === token.length - 1 || at === 0)));
        const verdict = setup.now(token.slice(0, at) + other + token.slice(at + 1));
        assert.ok(verdict !== 'pending' && verdict.kind === 'rejection');
      }),
      { numRuns: 3000 },
    );
    assert.equal(setup.authorizer.cacheEntries, 1);
    assert.equal(await setup.verdict(token), 'permit');
  });

  test('nor for RS256, which a thread verifies', async () => {
    const key = keyPair('RS256');
    const rsa = new Setup({
      issuers: [issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] })],
    });
    await rsa.authorizer.start();
    try {
      const good = rs256(key, rsa.claims());
      const base64url = fc.constantFrom(
        ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.',
      );
      await fc.assert(
        fc.asyncProperty(fc.nat(good.length - 1), base64url, async (at, other) => {
          fc.pre(good[at] !== other);
          assert.notEqual(await rsa.verdict(good.slice(0, at) + other + good.slice(at + 1)), 'permit');
        }),
        { numRuns: 500 },
      );
      assert.equal(await rsa.verdict(good), 'permit');
    } finally {
      await rsa.authorizer.close();
    }
  });
});
