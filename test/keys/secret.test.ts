import assert from 'node:assert/strict';
import { test } from 'node:test';
import { algorithms, algorithmsFor, isSymmetric, minimumSecretBytes } from '../../src/keys/algorithms.ts';
import { fitSecret } from '../../src/keys/fit.ts';
import { KeyError } from '../../src/keys/key-error.ts';
import { checkSecret } from '../../src/keys/secret.ts';
import { rsaKey } from '../support/tokens.ts';

const refused = (secret: string, names: readonly string[], message: RegExp): void =>
  assert.throws(
    () => checkSecret(secret, names),
    (error) => error instanceof KeyError && message.test(error.message),
    secret.slice(0, 30),
  );

test('a secret has at least as many bytes as the hash', () => {
  for (const [name, bytes] of [
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const) {
    assert.equal(minimumSecretBytes(name), bytes);
    checkSecret('s'.repeat(bytes), [name]);
    refused(
      's'.repeat(bytes - 1),
      [name],
      new RegExp(`^has ${bytes - 1} bytes; must have at least ${bytes} for ${name}`),
    );
  }
  checkSecret('ä'.repeat(16), ['HS256']);
  refused('s'.repeat(40), ['HS256', 'HS384'], /at least 48 for HS384/);
  refused('', ['HS256'], /^has 0 bytes/);
});

test('a public key is refused as a secret in every form', () => {
  const { pem, publicKey } = rsaKey();
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
  const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  for (const text of [pem, ` \n${pem}`, pem.replaceAll('\n', '\r\n'), `junk${pkcs1}`, `\u200B${pem}`, body]) {
    refused(text, ['HS256'], /^is a PEM or DER key, not a secret/);
  }
  for (const text of [jwk, ` ${jwk}`, `\uFEFF${jwk}`, `[${jwk}]`, `{"keys":[${jwk}]}`, `${jwk}x`]) {
    refused(text, ['HS256'], /^is a JSON Web Key, not a secret/);
  }
});

test('only HS algorithms take secrets, and public keys never take them', () => {
  assert.deepEqual([...algorithms.keys()].filter(isSymmetric), ['HS256', 'HS384', 'HS512']);
  for (const [kty, curve] of [['RSA'], ['EC', 'P-256'], ['OKP', 'Ed25519']] as const) {
    assert.ok(!algorithmsFor(kty, curve).some(isSymmetric), kty);
  }
  assert.deepEqual(algorithmsFor('EC', undefined), []);
  assert.equal(isSymmetric('none'), false);
});

test('the id of a secret changes with it, and does not contain it', () => {
  const secret = 'hunter2-hunter2-hunter2-hunter2-';
  const key = fitSecret(secret, ['HS256']);
  assert.deepEqual(key.material, { kind: 'secret', secret });
  assert.notEqual(key.id, fitSecret(`${secret}x`, ['HS256']).id);
  assert.ok(!key.id.includes('hunter2'));
});
