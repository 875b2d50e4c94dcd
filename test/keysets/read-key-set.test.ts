import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { KeyError } from '../../src/keys/key-error.ts';
import { readKeySet } from '../../src/keysets/read-key-set.ts';
import { keyPair, rsaKey } from '../support/tokens.ts';
import { jwk, keySetText } from './scripted-issuer.ts';

const rsa = rsaKey();
const other = rsaKey();
const good = jwk(rsa, { kid: 'good' });

/** Ignored entries beside a good key, which is always taken. */
function ignoredBesides(entry: unknown, algorithms: readonly string[] = ['RS256']): readonly string[] {
  const { keys, ignored } = readKeySet(keySetText(good, entry as object), algorithms);
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ['good'],
  );
  return ignored;
}

test('one entry that must not be used is named, and does not affect the others', () => {
  const rsa1024 = rsaKey(1024);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secp = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' });
  for (const [entry, sentence] of [
    [
      jwk(rsa1024, { kid: 'b' }),
      'keys[1] is ignored: the set in keys[1] (kid "b") holds an RSA key of 1024 bits; must have at least 2048 bits',
    ],
    [
      { ...privateKey.export({ format: 'jwk' }), kid: 'p' },
      'keys[1] is ignored: the set holds a private key in keys[1] (kid "p"); must hold public keys only',
    ],
    [
      { kty: 'oct', k: 'c2VjcmV0', kid: 's' },
      'keys[1] is ignored: the set holds a secret key in keys[1] (kid "s"); must hold public keys only',
    ],
    [
      jwk(other, { kid: 'good' }),
      'keys[1] is ignored: the set holds two keys with kid "good" for RS256; must hold one',
    ],
    [jwk(other, { kid: 'e', use: 'enc' }), 'keys[1] (kid "e") is ignored: its "use" is not sig'],
    [
      jwk(other, { kid: 'e', key_ops: ['sign'] }),
      'keys[1] (kid "e") is ignored: its "key_ops" does not include verify',
    ],
    [
      jwk(other, { kid: 'e', alg: 'ES256' }),
      'keys[1] (kid "e") is ignored: its "alg" is not RS256, RS384, RS512, PS256, PS384, PS512',
    ],
    [
      { ...secp, kid: 'k' },
      'keys[1] (kid "k") is ignored: its "crv" is not P-256, P-384, P-521, Ed25519 or Ed448',
    ],
    [jwk(keyPair('ES256'), { kid: 'c' }), 'the key with kid "c" is ignored: it fits none of the algorithms'],
    [
      jwk(other, { kid: 'p', alg: 'PS256' }),
      'the key with kid "p" is ignored: it fits none of the algorithms',
    ],
    [null, 'keys[1] is ignored: the set has an entry keys[1] that is no object; must be a JWK'],
    [
      jwk(other, { kid: 7 }),
      'keys[1] is ignored: the set has a "kid" in keys[1] that is no text; must be one (RFC 7517 §4)',
    ],
    [
      { kty: 'RSA', n: 'AQAB', kid: 'n' },
      'keys[1] is ignored: the set holds a key that cannot be read in keys[1] (kid "n"); must be a public key (RFC 7518 §6)',
    ],
  ] as const) {
    assert.deepEqual(ignoredBesides(entry), [sentence]);
  }
});

test('a key without alg gets only those of the issuer’s algorithms that fit its type', () => {
  const text = keySetText(good, jwk(keyPair('ES256'), { kid: 'e' }), jwk(keyPair('EdDSA'), { kid: 'd' }));
  const { keys, ignored } = readKeySet(text, ['RS256', 'PS512', 'ES256', 'EdDSA']);
  assert.deepEqual(ignored, []);
  assert.deepEqual(
    keys.map(({ kid, algorithms }) => [kid, algorithms]),
    [
      ['good', ['RS256', 'PS512']],
      ['e', ['ES256']],
      ['d', ['EdDSA', 'Ed25519']],
    ],
  );
});

test('a published key never yields a secret algorithm', () => {
  const { keys } = readKeySet(keySetText(good), ['HS256']);
  assert.deepEqual(keys, []);
  assert.deepEqual(ignoredBesides(jwk(other, { kid: 'h', alg: 'HS256' }), ['RS256']).length, 1);
});

test('the first of two keys with one name stays, in any order of the rest', () => {
  const { keys } = readKeySet(keySetText(jwk(other, { kid: 'x' }), jwk(rsa, { kid: 'x' }), good), ['RS256']);
  assert.equal(keys.length, 2);
  assert.deepEqual(keys[0]?.material, { kind: 'public', pem: other.pem });
});

test('the kept entries lead to the same keys, and contain nothing else', () => {
  const odd = jwk(keyPair('ES384'), { kid: 'e', alg: 'ES384', use: 'sig', x5c: ['AAAA'], note: 'hidden' });
  const algorithms = ['RS256', 'PS256', 'ES384'];
  const first = readKeySet(keySetText(good, odd, jwk(other)), algorithms);
  const again = readKeySet(keySetText(...first.entries), algorithms);
  assert.deepEqual(again.keys, first.keys);
  assert.doesNotMatch(JSON.stringify(first.entries), /hidden|x5c/);
});

test('a flood of bad entries is reported in part, and counted', () => {
  const { ignored } = readKeySet(keySetText(...new Array(1000).fill({ kty: 'no' })), ['RS256']);
  assert.equal(ignored.length, 33);
  assert.equal(ignored.at(-1), 'and 968 more');
});

test('text that is no key set is an error', () => {
  for (const text of [
    '',
    '<html>',
    '[]',
    'null',
    '{"keys":{}}',
    JSON.stringify({ keys: new Array(1001).fill({}) }),
  ]) {
    assert.throws(() => readKeySet(text, ['RS256']), KeyError);
  }
});
