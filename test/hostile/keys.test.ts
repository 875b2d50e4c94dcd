import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseJwks } from '../../src/keys/jwks.ts';
import { parsePem } from '../../src/keys/pem.ts';
import { keyPair, rsaKey } from '../support/tokens.ts';

/** Refuses the key in a key set and, if it has a PEM form, in PEM. */
function refuses(jwk: JsonWebKey, because: RegExp, pem?: string): void {
  assert.throws(() => parseJwks(JSON.stringify({ keys: [jwk] })), because);
  if (pem !== undefined) assert.throws(() => parsePem(pem), because);
}

describe('a key that is too weak is refused', () => {
  for (const bits of [512, 768, 1024, 1536, 2040, 2047]) {
    test(`RSA of ${bits} bits`, () => {
      const { publicKey, pem } = rsaKey(bits);
      const because = new RegExp(`holds an RSA key of ${bits} bits; must have at least 2048 bits`);
      refuses(publicKey.export({ format: 'jwk' }), because, pem);
    });
  }

  const { n = '' } = rsaKey().publicKey.export({ format: 'jwk' });
  for (const [name, e] of [
    ['one', 'AQ'],
    ['two', 'Ag'],
    ['65536', 'AQAA'],
    ['one, with zeros before', 'AAAAAQ'],
  ] as const) {
    test(`RSA with the exponent ${name}`, () => {
      refuses(
        { kty: 'RSA', n, e },
        /holds an RSA key with an unsafe public exponent; must be odd and at least 3/,
      );
    });
  }

  test('RSA with the exponent zero, or without one', () => {
    for (const jwk of [
      { kty: 'RSA', n, e: 'AA' },
      { kty: 'RSA', n, e: '' },
      { kty: 'RSA', n },
    ]) {
      assert.throws(
        () => parseJwks(JSON.stringify({ keys: [jwk] })),
        /unsafe public exponent|cannot be read/,
      );
    }
  });

  test('RSA whose modulus is short, although its encoding is long', () => {
    const short = Buffer.from(rsaKey(1024).publicKey.export({ format: 'jwk' }).n as string, 'base64url');
    const padded = Buffer.concat([Buffer.alloc(128), short]).toString('base64url');
    refuses({ kty: 'RSA', n: padded, e: 'AQAB' }, /holds an RSA key of 1024 bits/);
  });
});

describe('a key on another curve, or on no curve, is refused', () => {
  const ec = keyPair('ES256').publicKey.export({ format: 'jwk' });
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const unreadable = /holds a key that cannot be read/;
  const zero = Buffer.alloc(32).toString('base64url');

  test('secp256k1, in PEM and in a key set, by its name and by that of P-256', () => {
    const jwk = koblitz.publicKey.export({ format: 'jwk' });
    const pem = koblitz.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    assert.throws(() => parsePem(pem), /curve secp256k1; must be on P-256, P-384 or P-521/);
    for (const alg of ['ES256', 'ES256K', undefined]) {
      refuses({ ...jwk, alg }, /holds no usable key/);
      if (alg !== 'ES256K') refuses({ ...jwk, crv: 'P-256', alg }, unreadable);
    }
  });

  for (const namedCurve of ['P-192', 'P-224', 'brainpoolP256r1', 'brainpoolP384r1']) {
    test(`${namedCurve} in PEM`, () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve });
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      assert.throws(
        () => parsePem(pem),
        /holds an EC key on the curve \w+; must be on P-256, P-384 or P-521/,
      );
    });
  }

  test('a point that is not on its curve, at infinity or beyond the field', () => {
    refuses({ ...ec, x: ec.y as string }, unreadable);
    refuses({ ...ec, x: zero, y: zero }, unreadable);
    refuses({ ...ec, x: Buffer.alloc(32, 0xff).toString('base64url') }, unreadable);
    refuses({ ...ec, y: zero }, unreadable);
    refuses({ ...ec, crv: 'P-384' }, unreadable);
    refuses({ ...ec, crv: 'P-521' }, unreadable);
  });

  test('an explicit curve whose generator is the key itself, so that its private key is one (CVE-2020-0601)', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const point = der.subarray(-65);
    const generator = der.indexOf('046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a1', 0, 'hex');
    assert.ok(generator > 0 && generator < der.length - 130);
    const forged = Buffer.concat([der.subarray(0, generator), point, der.subarray(generator + point.length)]);
    const pem = `-----BEGIN PUBLIC KEY-----\n${forged.toString('base64')}\n-----END PUBLIC KEY-----\n`;
    assert.throws(() => parsePem(pem), /holds an EC key on the curve (UNDEF|without a name)|cannot be read/);
  });

  test('a key whose alg it cannot verify, even one of the same family', () => {
    for (const alg of ['ES384', 'ES512', 'ES256K', 'RS256', 'HS256', 'none', 'EdDSA']) {
      refuses({ ...ec, alg }, /holds no usable key/);
    }
  });
});
