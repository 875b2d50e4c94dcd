import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fitPublicKey } from '../../src/keys/fit.ts';
import { KeyError } from '../../src/keys/key-error.ts';
import { parsePem } from '../../src/keys/pem.ts';
import { rsaKey } from '../support/tokens.ts';

const fixtures = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'config');
const rsa = rsaKey();
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

function refused(text: string, message: RegExp): void {
  assert.throws(
    () => parsePem(text),
    (error) => error instanceof KeyError && message.test(error.message),
    String(message),
  );
}

test('public keys of every kind are read as the algorithms they can verify', () => {
  const rsaNames = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  const cases: readonly (readonly [KeyObject, readonly string[], string])[] = [
    [rsa.publicKey, rsaNames, 'RSA key of 2048 bits'],
    [rsaKey(3072).publicKey, rsaNames, 'RSA key of 3072 bits'],
    [ec('P-256').publicKey, ['ES256'], 'EC key on P-256'],
    [ec('P-384').publicKey, ['ES384'], 'EC key on P-384'],
    [ec('P-521').publicKey, ['ES512'], 'EC key on P-521'],
    [generateKeyPairSync('ed25519').publicKey, ['EdDSA', 'Ed25519'], 'Ed25519 key'],
    [generateKeyPairSync('ed448').publicKey, ['EdDSA', 'Ed448'], 'Ed448 key'],
  ];
  for (const [key, algorithms, label] of cases) {
    assert.deepEqual(parsePem(spki(key)), [{ kid: undefined, algorithms, label, pem: spki(key) }]);
  }
});

test('PKCS#1 keys and certificates come out as the same SPKI text', () => {
  const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  assert.match(pkcs1, /BEGIN RSA PUBLIC KEY/);
  assert.equal(parsePem(pkcs1)[0]?.pem, rsa.pem);
  const [key] = parsePem(readFileSync(join(fixtures, 'certificate.pem'), 'utf8'));
  assert.match(key?.pem ?? '', /^-----BEGIN PUBLIC KEY-----\n/);
  assert.equal(key?.label, 'RSA key of 2048 bits');
});

test('text around the blocks, and the kind of line ends, do not matter', () => {
  const other = spki(ec('P-256').publicKey);
  const junk = 'Bag Attributes\n    friendlyName: a-key\n\uFEFF';
  for (const text of [
    rsa.pem.replaceAll('\n', '\r\n'),
    `\n\n \t${rsa.pem}`,
    `${junk}${rsa.pem}${junk}`,
    rsa.pem.replaceAll(/^/gm, '    '),
    rsa.pem.replaceAll(/(?<!-)\n(?!-)/g, ''),
    rsa.pem.trimEnd(),
    rsa.pem + rsa.pem,
  ]) {
    assert.deepEqual(
      parsePem(text).map(({ pem }) => pem),
      [rsa.pem],
      JSON.stringify(text),
    );
  }
  assert.deepEqual(
    parsePem(`${rsa.pem}\r\n${junk}${other}`).map(({ pem }) => pem),
    [rsa.pem, other],
  );
});

test('a private key is refused in every form, also beside a public one', () => {
  const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const encrypted = rsa.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
    .toString();
  const forms = [
    pkcs8,
    encrypted,
    rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ec('P-256').privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    rsa.pem + pkcs8,
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pkcs8}`,
    ` ${pkcs8.replaceAll('\n', '\r\n')}`,
  ];
  for (const text of [...forms, pkcs8.replaceAll('PRIVATE KEY', 'PUBLIC KEY')]) {
    refused(text, /^holds a private key; must hold the public key alone/);
  }
});

test('weak and unknown keys are refused', () => {
  refused(rsaKey(1024).pem, /^holds an RSA key of 1024 bits; must have at least 2048 bits$/);
  refused(rsaKey(2040).pem, /^holds an RSA key of 2040 bits; must have at least 2048 bits$/);
  refused(
    spki(ec('secp256k1').publicKey),
    /^holds an EC key on the curve secp256k1; must be on P-256, P-384 or P-521$/,
  );
  refused(spki(generateKeyPairSync('x25519').publicKey), /^holds a key of type x25519; must be an RSA, EC/);
  refused(
    spki(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
    /^holds a key of type rsa-pss; must be an RSA, EC/,
  );
});

test('an RSA key whose exponent makes forging easy is refused', () => {
  const { n = '' } = rsa.publicKey.export({ format: 'jwk' });
  const integer = (bytes: Buffer) =>
    Buffer.concat([Buffer.from([2, 0x82, bytes.length >> 8, bytes.length & 255]), bytes]);
  for (const exponent of [1, 2, 4]) {
    const body = Buffer.concat([
      integer(Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')])),
      Buffer.from([2, 1, exponent]),
    ]);
    const der = Buffer.concat([Buffer.from([0x30, 0x82, body.length >> 8, body.length & 255]), body]);
    refused(
      `-----BEGIN RSA PUBLIC KEY-----\n${der.toString('base64')}\n-----END RSA PUBLIC KEY-----\n`,
      /unsafe public exponent; must be odd and at least 3$/,
    );
  }
});

test('text that is no PEM, or broken PEM, is refused', () => {
  refused('', /^holds no PEM block/);
  refused('{"keys": []}', /^holds no PEM block/);
  refused(rsa.pem.replace('-----END PUBLIC KEY-----', ''), /^holds a broken PEM block/);
  refused(rsa.pem.replace('END PUBLIC', 'END RSA PUBLIC'), /^holds a broken PEM block/);
  refused(rsa.pem.replace('M', '*'), /^holds a broken PEM block/);
  refused(`${rsa.pem}-----BEGIN PUBLIC KEY-----\n`, /^holds a broken PEM block/);
  refused(
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
    /^holds a public key that cannot be read/,
  );
  refused(
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    /^holds a certificate that cannot be read/,
  );
  refused(
    '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n',
    /^holds a PEM block "CERTIFICATE REQUEST"/,
  );
  refused(rsa.pem.repeat(65), /^holds 65 PEM blocks; must hold at most 64$/);
});

test('a chain of certificates is refused: its authority does not sign tokens', () => {
  const chain = readFileSync(join(fixtures, 'chain.pem'), 'utf8');
  refused(chain, /^holds a chain of certificates; must hold the certificate that signs tokens alone$/);
  const [leaf] = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.equal(parsePem(leaf ?? '').length, 1);
});

test('a key takes those of the allowed algorithms that fit it, and its id says so', () => {
  const [key] = parsePem(rsa.pem);
  assert.ok(key);
  const one = fitPublicKey(key, ['RS256', 'ES256']);
  assert.deepEqual(one?.algorithms, ['RS256']);
  assert.deepEqual(one?.material, { kind: 'public', pem: rsa.pem });
  assert.match(one?.id ?? '', /^[A-Za-z0-9_-]{43}$/);
  assert.equal(one?.id, fitPublicKey({ ...key, kid: 'x' }, ['RS256'])?.id);
  assert.notEqual(one?.id, fitPublicKey(key, ['RS256', 'PS256'])?.id);
  assert.equal(fitPublicKey(key, ['PS256', 'RS256'])?.id, fitPublicKey(key, ['RS256', 'PS256'])?.id);
  assert.equal(fitPublicKey(key, ['ES256', 'HS256', 'none']), undefined);
});
