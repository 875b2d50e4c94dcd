import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { parseJwks } from '../../src/keys/jwks.ts';
import { KeyError } from '../../src/keys/key-error.ts';
import { rsaKey } from '../support/tokens.ts';

const rsa = rsaKey();
const rsaJwk = rsa.publicKey.export({ format: 'jwk' });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecJwk = ec.publicKey.export({ format: 'jwk' });
const ed = generateKeyPairSync('ed25519');
const edJwk = ed.publicKey.export({ format: 'jwk' });

const parse = (...keys: unknown[]) => parseJwks(JSON.stringify({ keys }));

function refused(text: string, message: string): void {
  assert.throws(
    () => parseJwks(text),
    (error) => {
      assert.ok(error instanceof KeyError);
      assert.equal(error.message, message);
      return true;
    },
  );
}

test('entries become keys with their kid, narrowed to their alg', () => {
  const { keys, warnings } = parse(
    { ...rsaJwk, kid: 'a', use: 'sig', alg: 'RS256' },
    { ...rsaJwk, kid: 'b' },
    { ...ecJwk, kid: 'c', key_ops: ['verify'] },
    edJwk,
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    keys.map(({ kid, algorithms }) => [kid, algorithms]),
    [
      ['a', ['RS256']],
      ['b', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
      ['c', ['ES256']],
      [undefined, ['EdDSA', 'Ed25519']],
    ],
  );
  assert.equal(keys[0]?.pem, rsa.pem);
  assert.equal(keys[2]?.pem, ec.publicKey.export({ type: 'spki', format: 'pem' }));
});

test('entries for other purposes are left out, each with a warning', () => {
  const { keys, warnings } = parse(
    { ...rsaJwk, kid: 'good' },
    { ...rsaJwk, kid: 'enc', use: 'enc' },
    { ...rsaJwk, kid: 'ops', key_ops: ['encrypt'] },
    { ...rsaJwk, kid: 'odd', key_ops: 'verify' },
    { ...rsaJwk, kid: 'oaep', alg: 'RSA-OAEP' },
    { ...rsaJwk, kid: 'hs', alg: 'HS256' },
    { ...rsaJwk, kid: 'none', alg: 'none' },
    { ...ecJwk, kid: 'es', alg: 'ES384' },
    { ...ecJwk, crv: 'secp256k1', kid: 'k1' },
    { ...edJwk, crv: 'X25519' },
    { kty: 'AKP', kid: 'new' },
    { kid: 'bare' },
  );
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    ['good'],
  );
  assert.deepEqual(warnings, [
    'keys[1] (kid "enc") is ignored: its "use" is not sig',
    'keys[2] (kid "ops") is ignored: its "key_ops" does not include verify',
    'keys[3] (kid "odd") is ignored: its "key_ops" does not include verify',
    'keys[4] (kid "oaep") is ignored: its "alg" is not RS256, RS384, RS512, PS256, PS384, PS512',
    'keys[5] (kid "hs") is ignored: its "alg" is not RS256, RS384, RS512, PS256, PS384, PS512',
    'keys[6] (kid "none") is ignored: its "alg" is not RS256, RS384, RS512, PS256, PS384, PS512',
    'keys[7] (kid "es") is ignored: its "alg" is not ES256',
    'keys[8] (kid "k1") is ignored: its "crv" is not P-256, P-384, P-521, Ed25519 or Ed448',
    'keys[9] is ignored: its "crv" is not P-256, P-384, P-521, Ed25519 or Ed448',
    'keys[10] (kid "new") is ignored: its "kty" is not RSA, EC or OKP',
    'keys[11] (kid "bare") is ignored: its "kty" is not RSA, EC or OKP',
  ]);
});

test('private and secret keys are refused, and none of their members is shown', () => {
  for (const [index, privateKey] of [rsa.privateKey, ec.privateKey, ed.privateKey].entries()) {
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: `k${index}`, use: 'enc' };
    refused(
      JSON.stringify({ keys: [rsaJwk, jwk] }),
      `holds a private key in keys[1] (kid "k${index}"); must hold public keys only`,
    );
  }
  refused(
    '{"keys":[{"kty":"oct","k":"aHVudGVyMg"}]}',
    'holds a secret key in keys[0]; must hold public keys only',
  );
  refused(
    JSON.stringify({ keys: [{ ...rsaJwk, k: 'x' }] }),
    'holds a private key in keys[0]; must hold public keys only',
  );
});

test('weak and broken keys are refused', () => {
  refused(
    JSON.stringify({ keys: [{ ...rsaKey(1024).publicKey.export({ format: 'jwk' }), kid: 'w' }] }),
    'in keys[0] (kid "w") holds an RSA key of 1024 bits; must have at least 2048 bits',
  );
  for (const broken of [
    { kty: 'RSA' },
    { ...ecJwk, x: ecJwk.y },
    { ...edJwk, x: 'AAAA' },
    { ...rsaJwk, n: 5 },
  ]) {
    refused(
      JSON.stringify({ keys: [broken] }),
      'holds a key that cannot be read in keys[0]; must be a public key (RFC 7518 §6)',
    );
  }
});

test('two keys for one kid and algorithm are refused; for different algorithms they are accepted', () => {
  const other = rsaKey().publicKey.export({ format: 'jwk' });
  for (const pair of [
    [
      { ...rsaJwk, kid: 'a', alg: 'RS256' },
      { ...other, kid: 'a', alg: 'RS256' },
    ],
    [
      { ...rsaJwk, kid: 'a', alg: 'RS256' },
      { ...other, kid: 'a' },
    ],
  ]) {
    refused(JSON.stringify({ keys: pair }), 'holds two keys with kid "a" for RS256; must hold one');
  }
  const { keys } = parse(
    { ...rsaJwk, kid: 'a', alg: 'RS256' },
    { ...other, kid: 'a', alg: 'RS384' },
    { ...ecJwk, kid: 'a' },
    rsaJwk,
    other,
  );
  assert.equal(keys.length, 5);
});

test('text that is not a key set is refused', () => {
  const noSet = 'is not a key set; must be a JWKS such as {"keys": [...]}';
  refused('', 'is not JSON; must be a JWKS such as {"keys": [...]}');
  refused(rsa.pem, 'is not JSON; must be a JWKS such as {"keys": [...]}');
  for (const text of ['[]', 'null', '5', '{}', '{"keys":{}}', JSON.stringify(rsaJwk)]) refused(text, noSet);
  refused('{"keys":[]}', 'holds no usable key; must hold at least one public key for signatures');
  refused(
    '{"keys":[{"kty":"AKP"}]}',
    'holds no usable key; must hold at least one public key for signatures',
  );
  refused('{"keys":[5]}', 'has an entry keys[0] that is no object; must be a JWK');
  refused(
    '{"keys":[{"kty":"RSA","kid":5}]}',
    'has a "kid" in keys[0] that is no text; must be one (RFC 7517 §4)',
  );
  refused(`{"keys":[${Array(1001).fill('{}').join()}]}`, 'holds 1001 keys; must hold at most 1000');
});
