// Source: hasura/graphql-engine#1288, keys that come through environment variables, as PEM on one line or without armour.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configOf, faultsOf, fixtures } from '../config/check.ts';
import { rsaKey } from '../support/tokens.ts';

const rsa = rsaKey();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const bare = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64');
const certificate = readFileSync(join(fixtures, 'certificate.pem'), 'utf8');

const file = (algorithm: string, keys: string): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: x, audience: y, algorithms: [${algorithm}], keys: { ${keys} } } }
`;
const variable = '"$' + '{KEY}"';

function pemOf(algorithm: string, env: string): string | undefined {
  const [key] = configOf(file(algorithm, `pem: ${variable}`), { KEY: env }).issuers.get('app')?.keys ?? [];
  return key?.material.kind === 'public' ? key.material.pem : undefined;
}

describe('a public key in an environment variable', () => {
  for (const [name, algorithm, key] of [
    ['RSA', 'RS256', rsa.publicKey],
    ['EC', 'ES256', ec.publicKey],
    ['Ed25519', 'EdDSA', ed.publicKey],
  ] as const) {
    const pem = spki(key);
    for (const [how, text] of [
      ['as it is', pem],
      ['with \\n written out', pem.replaceAll('\n', '\\n')],
      ['with \\r\\n written out', pem.replaceAll('\n', '\\r\\n')],
      ['on one line with blanks', pem.replaceAll('\n', ' ')],
      ['as base64 of the PEM file', Buffer.from(pem).toString('base64')],
      ['as base64 without armour', bare(key)],
      ['as base64 without armour, in lines', `${bare(key).replaceAll(/.{64}/g, '$&\n')}\n`],
      ['as base64 without armour, in written lines', bare(key).replaceAll(/.{64}/g, '$&\\n')],
    ] as const) {
      test(`is understood: ${name} ${how}`, () => assert.equal(pemOf(algorithm, text), pem));
    }
  }

  test('is understood as a certificate, with and without armour', () => {
    const body = certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '');
    const known = pemOf('RS256', certificate);
    assert.match(known ?? '', /BEGIN PUBLIC KEY/);
    assert.equal(pemOf('RS256', body), known);
    assert.equal(pemOf('RS256', certificate.replaceAll('\n', '\\n')), known);
  });

  test('is understood as a key set', () => {
    const set = JSON.stringify({ keys: [{ ...ec.publicKey.export({ format: 'jwk' }), kid: 'e' }] }, null, 2);
    const { issuers } = configOf(file('ES256', `jwks: ${variable}`), { KEY: set });
    assert.deepEqual(
      issuers.get('app')?.keys.map(({ kid }) => kid),
      ['e'],
    );
  });
});

const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
const pkcs8Pem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const jwk = JSON.stringify(rsa.privateKey.export({ format: 'jwk' }));
const noKey =
  /^f:\d+:\d+: issuers\.app\.keys\.\w+: is neither a path to a file nor a key that can be read; must be /;
const isPrivate = /: the text holds a private key; must hold the public key alone/;

/** Parts of a text that no message may contain. */
function pieces(text: string): readonly string[] {
  return text.match(/[A-Za-z0-9+/_-]{20,}/g) ?? [];
}

describe('unusable key material is reported and never printed', () => {
  for (const [what, key, text, expected] of [
    ['a private key without armour', 'pem', pkcs8, isPrivate],
    ['a private key of PKCS#1 without armour', 'pem', pkcs1, isPrivate],
    ['a private key of sec1 without armour', 'pem', sec1(), isPrivate],
    ['a private key with \\n written out', 'pem', pkcs8Pem.replaceAll('\n', '\\n'), isPrivate],
    ['base64 of a private key', 'pem', Buffer.from(pkcs8Pem).toString('base64'), isPrivate],
    ['a key that has lost its end', 'pem', bare(rsa.publicKey).slice(0, -40), noKey],
    ['an Ed25519 key that has lost its end', 'pem', bare(ed.publicKey).slice(0, -8), noKey],
    ['an OpenSSH key', 'pem', `ssh-ed25519 ${'AAAAC3NzaC1lZDI1NTE5AAAAI'.padEnd(68, 'x')} me`, noKey],
    ['a JSON Web Key', 'pem', jwk, noKey],
    [
      'a key set with a private key',
      'jwks',
      `{"keys":[${jwk}]}`,
      /the text holds a private key in keys\[0\]/,
    ],
    ['PEM where a key set belongs', 'jwks', pkcs8Pem.replaceAll('\n', '\\n'), noKey],
  ] as const) {
    for (const [where, written, env] of [
      ['from the environment', variable, { KEY: text }],
      ['in the file', JSON.stringify(text), {}],
    ] as const) {
      test(`${what}, ${where}`, () => {
        const faults = faultsOf(file('RS256', `${key}: ${written}`), env);
        assert.equal(faults.length, 1, faults.join('\n'));
        assert.match(faults[0] ?? '', expected);
        for (const piece of pieces(text)) assert.ok(!faults[0]?.includes(piece), piece);
      });
    }
  }

  test('a path is still printed, and one from the environment as it was written', () => {
    assert.match(
      faultsOf(file('RS256', 'pem: ./MISSING-key.pem')).join(),
      /\/MISSING-key\.pem does not exist; must be a readable file$/,
    );
    assert.match(
      faultsOf(file('RS256', `pem: ${variable}`), { KEY: '/run/secrets/idp' }).join(),
      /: "\$\{KEY\}" does not exist; must be a readable file$/,
    );
  });

  test('a public key in any of these forms is refused as a secret', () => {
    for (const text of [
      spki(rsa.publicKey).replaceAll('\n', '\\n'),
      Buffer.from(spki(rsa.publicKey)).toString('base64'),
      bare(rsa.publicKey),
      certificate.replaceAll(/-----[A-Z ]+-----|\s/g, ''),
    ]) {
      const [fault, ...more] = faultsOf(file('HS256', `secret: ${variable}`), { KEY: text });
      assert.match(fault ?? '', /secret: is a PEM or DER key, not a secret; must be given as pem/);
      assert.deepEqual(more, []);
    }
  });
});

function sec1(): string {
  return ec.privateKey.export({ type: 'sec1', format: 'der' }).toString('base64');
}

describe('a private key under the label of a public one', () => {
  const armoured = (label: string, body: string): string =>
    `-----BEGIN ${label}-----\n${body.replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
  for (const [form, body] of [
    ['PKCS#8', pkcs8],
    ['PKCS#1', pkcs1],
    ['sec1', sec1()],
    ['PKCS#8 of Ed25519', ed.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')],
  ] as const) {
    for (const label of ['RSA PUBLIC KEY', 'PUBLIC KEY', 'CERTIFICATE']) {
      test(`is refused as a private key: ${form} as ${label}, alone and after a public key`, () => {
        for (const text of [armoured(label, body), spki(rsa.publicKey) + armoured(label, body)]) {
          const [fault = '', ...more] = faultsOf(file('RS256', `pem: ${variable}`), { KEY: text });
          assert.match(fault, isPrivate);
          assert.deepEqual(more, []);
          for (const piece of pieces(text)) assert.ok(!fault.includes(piece), piece);
        }
      });
    }
  }

  test('does not exclude a public key of PKCS#1', () => {
    const body = rsa.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
    assert.equal(pemOf('RS256', armoured('RSA PUBLIC KEY', body)), spki(rsa.publicKey));
  });
});

describe('a private member without a value', () => {
  const entry = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'e' };
  const faultOf = (key: object): string =>
    faultsOf(file('ES256', `jwks: ${variable}`), { KEY: JSON.stringify({ keys: [key] }) }).join();

  test('is reported as a private key without a value', () => {
    for (const [members, first] of [
      [{ d: null }, 'd'],
      [{ d: null, p: null, k: null }, 'd'],
      [{ qi: null }, 'qi'],
    ] as const) {
      assert.match(
        faultOf({ ...entry, ...members }),
        new RegExp(
          `the text has "${first}": null in keys\\[0\\] \\(kid "e"\\), a private member without a value; must`,
        ),
      );
    }
  });

  test('does not hide one that has a value', () => {
    assert.match(faultOf({ ...entry, d: null, p: 'AQ' }), /holds a private key in keys\[0\]/);
    assert.match(faultOf(ec.privateKey.export({ format: 'jwk' })), /holds a private key in keys\[0\]/);
  });
});
