import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { certificateNames } from '../../src/keys/certificate-names.ts';
import { KeyError } from '../../src/keys/key-error.ts';
import { readAuthorities, readServerCertificate } from '../../src/keys/server-certificate.ts';
import { cipherList } from '../../src/keys/tls-context.ts';
import { hasTrustGap } from '../../src/keys/trust-gap.ts';
import { Authority } from '../support/authority.ts';

const root = new Authority('root');
const middle = new Authority('middle', root);
const site = middle.issue({ names: ['Site.example', '*.site.example', '127.0.0.1'] });
const other = middle.issue({ names: ['other.example'] });
const encrypted = createPrivateKey(site.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
  .toString();

describe('a certificate of a server', () => {
  test('is read from one file, from two, and with an encrypted key', () => {
    const chain = site.cert + middle.cert;
    for (const read of [
      readServerCertificate(chain + site.key, undefined, undefined),
      readServerCertificate(site.key + chain, undefined, undefined),
      readServerCertificate(chain, site.key, undefined),
      readServerCertificate(chain, encrypted, 'open'),
      readServerCertificate(`subject: CN=site\n${chain}${encrypted}`, undefined, 'open'),
    ]) {
      assert.deepEqual(read.names, ['site.example', '*.site.example', '127.0.0.1']);
      assert.equal(read.keyType, 'ec');
      assert.equal(read.cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
      assert.match(read.key, /^-----BEGIN PRIVATE KEY-----/);
      assert.equal(read.validTo, Date.UTC(2099, 11, 31, 23, 59, 59));
    }
  });

  test('is refused when it cannot serve, without its key in the message', () => {
    for (const [text, key, passphrase, message] of [
      [site.cert, undefined, undefined, /holds no private key/],
      [site.cert, site.cert, undefined, /has a key file without a private key/],
      [site.key, undefined, undefined, /holds no certificate/],
      ['', undefined, undefined, /holds no private key/],
      [site.cert, other.key, undefined, /holds a certificate for another key/],
      [site.cert + site.key + other.key, undefined, undefined, /holds two private keys/],
      [site.cert + site.key, site.key, undefined, /holds a private key beside another file/],
      [middle.cert + site.cert, site.key, undefined, /holds certificate 2, which did not issue/],
      [root.cert + middle.cert, site.key, undefined, /which did not issue/],
      [site.cert + root.cert, site.key, undefined, /holds certificate 2, which did not issue/],
      [site.cert.repeat(11), site.key, undefined, /holds 11 certificates/],
      [site.cert, encrypted, undefined, /must come with its passphrase/],
      [site.cert, encrypted, 'wrong', /this passphrase does not open/],
      [site.cert, site.key.replace(/\n.{20}/, '\n'), undefined, /has a private key that cannot be read/],
      [site.cert.replace(/\n.{20}/, '\n'), site.key, undefined, /holds a certificate that cannot be read/],
      [
        `${site.cert}-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n`,
        site.key,
        undefined,
        /neither/,
      ],
    ] as const) {
      assert.throws(
        () => readServerCertificate(text, key, passphrase),
        (error: unknown) =>
          error instanceof KeyError && message.test(error.message) && !/BEGIN|MI[GI]/.test(error.message),
        `${message}`,
      );
    }
  });

  test('of a key of another type than the certificate is refused', () => {
    const rsa = middle.issue({ type: 'rsa' });
    assert.throws(() => readServerCertificate(rsa.cert, site.key, undefined), /for another key/);
    assert.throws(() => readServerCertificate(site.cert, rsa.key, undefined), /for another key/);
  });

  test('ends its life with the first certificate of its chain', () => {
    const short = root.issue({ dates: ['20200101000000Z', '20300101000000Z'] });
    assert.equal(readServerCertificate(short.cert, short.key, undefined).validTo, Date.UTC(2030, 0, 1));
  });

  test('has a gap where its last issuer is not known', () => {
    assert.equal(hasTrustGap(site.cert), true);
    assert.equal(hasTrustGap(site.cert + middle.cert), true);
    assert.equal(hasTrustGap(site.cert + middle.cert + root.cert), false);
    assert.equal(hasTrustGap(root.cert), false);
  });
});

test('names are those of the subjectAltName, in canonical form', () => {
  for (const [text, names] of [
    [undefined, []],
    ['DNS:A.Example, DNS:*.b.example', ['a.example', '*.b.example']],
    ['IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1', ['10.0.0.1', '::1']],
    ['DNS:a.example, URI:https://b.example, email:c@d.example', ['a.example']],
    ['DNS:"a.example, DNS:b.example", DNS:c.example', ['c.example']],
    ['DNS:*, DNS:a.*.example, DNS:*x.example, DNS:.example', []],
  ] as const) {
    assert.deepEqual(certificateNames(text), names, text);
  }
});

test('authorities are certificates and nothing else', () => {
  assert.equal(readAuthorities(root.cert + middle.cert).length, 2);
  assert.throws(() => readAuthorities(''), /holds no certificate/);
  assert.throws(() => readAuthorities(site.cert + site.key), /holds a private key/);
});

test('a list of suites keeps TLS 1.3 and brings no weak suite back', () => {
  for (const list of ['default', 'ECDHE+AESGCM', 'ECDHE-RSA-AES128-GCM-SHA256:!SHA384', 'HIGH', 'ALL']) {
    const made = cipherList(list);
    assert.ok('ciphers' in made, list);
    assert.match(made.ciphers, /^TLS_AES_128_GCM_SHA256:/);
    if (list !== 'default') assert.match(made.ciphers, /:!aNULL:!eNULL:/);
  }
  for (const [list, fault] of [
    ['FAST', /its number 1/],
    ['HIGH:FAST', /its number 2/],
    ['HIGH:@SECLEVEL=0', /its number 2/],
    ['RC4', /its number 1/],
    ['aNULL', /leaves no suite|its number 1/],
    ['HIGH:!HIGH', /leaves no suite/],
    ['TLS_AES_128_GCM_SHA256', /leaves no suite/],
  ] as const) {
    const made = cipherList(list);
    assert.ok('fault' in made && fault.test(made.fault), `${list}: ${JSON.stringify(made)}`);
  }
});
