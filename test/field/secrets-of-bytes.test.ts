// Source: AnthonyDeroche/mod_authnz_jwt#9, shared secrets that are bytes and come in base64.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from '../config/check.ts';
import { AUDIENCE, claims, ISSUER, Stand } from '../hostile/stand.ts';
import { hs256, rsaKey } from '../support/tokens.ts';

/** Bytes that are no UTF-8, and whose base64 differs from its base64url. */
const secret = Buffer.concat([Buffer.from([0xff, 0xfe, 0xfb, 0xef, 0xbe, 0, 10]), randomBytes(25)]);
const variable = '"$' + '{KEY}"';
const file = (keys: string, algorithms = 'HS256'): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: "${ISSUER}", audience: ${AUDIENCE}, algorithms: [${algorithms}], keys: { ${keys} } } }
`;

const bare = (encoding: 'base64' | 'base64url', bytes = secret): string =>
  bytes.toString(encoding).replace(/=+$/, '');

describe('a secret of bytes', () => {
  for (const [form, text] of [
    ['base64', secret.toString('base64')],
    ['base64', bare('base64')],
    ['base64url', bare('base64url')],
    ['base64url', `${bare('base64url')}=`],
  ] as const) {
    test(`verifies as the bytes that ${form} ${text.endsWith('=') ? 'with' : 'without'} padding stands for`, async () => {
      const config = configOf(file(`secret: { ${form}: ${variable} }`), { KEY: text });
      const stand = await Stand.start([...config.issuers.values()]);
      try {
        await stand.admits(hs256(secret, claims()));
        await stand.refuses(hs256(text, claims()), '401 signature_invalid', 'the text itself is no secret');
        await stand.refuses(hs256(randomBytes(32), claims()), '401 signature_invalid', 'another secret');
      } finally {
        await stand.close();
      }
    });
  }

  test('as a text is still the text', async () => {
    const text = secret.toString('base64');
    const config = configOf(file(`secret: ${variable}`), { KEY: text });
    const stand = await Stand.start([...config.issuers.values()]);
    try {
      await stand.admits(hs256(text, claims()));
      await stand.refuses(hs256(secret, claims()), '401 signature_invalid');
    } finally {
      await stand.close();
    }
  });

  test('also verifies webhooks', () => {
    const text = `${file(`secret: ${variable}`)}revocation: { fusionauth: { issuer: app, secret: { base64: ${variable} } } }\n`;
    const key = configOf(text, { KEY: secret.toString('base64') }).revocation?.fusionauth?.key;
    assert.deepEqual(key?.material, {
      kind: 'secret',
      secret: secret.toString('base64'),
      encoding: 'base64',
    });
    assert.deepEqual(key?.algorithms, ['HS256']);
  });

  for (const [what, form, text, algorithms, expected] of [
    [
      'is too short in bytes',
      'base64',
      bare('base64', randomBytes(31)),
      'HS256',
      /secret: has 31 bytes; must have at least 32 for HS256/,
    ],
    [
      'is too short for the longest hash',
      'base64',
      bare('base64', randomBytes(63)),
      'HS256, HS512',
      /has 63 bytes; must have at least 64 for HS512/,
    ],
    [
      'has the other alphabet',
      'base64',
      bare('base64url'),
      'HS256',
      /secret\.base64: is not base64; must be .* or come as base64url$/,
    ],
    [
      'has the other alphabet',
      'base64url',
      bare('base64'),
      'HS256',
      /secret\.base64url: is not base64url; must be .* or come as base64$/,
    ],
    [
      'has a line end',
      'base64',
      `${secret.toString('base64')}\n`,
      'HS256',
      /secret\.base64: is not base64; must be/,
    ],
    [
      'has padding in the middle',
      'base64',
      `AA==${secret.toString('base64')}`,
      'HS256',
      /secret\.base64: is not base64/,
    ],
    [
      'has lost a character',
      'base64',
      secret.toString('base64').slice(0, -4),
      'HS256',
      /has 30 bytes; must have/,
    ],
    [
      'has bits that stand for nothing',
      'base64',
      `${bare('base64', randomBytes(32)).slice(0, -1)}B`,
      'HS256',
      /is not base64/,
    ],
    [
      'is the bytes of a public key',
      'base64',
      rsaKey().publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      'HS256',
      /secret: is a PEM or DER key, not a secret/,
    ],
    [
      'is the text of a public key',
      'base64',
      Buffer.from(rsaKey().pem).toString('base64'),
      'HS256',
      /secret: is a PEM or DER key, not a secret/,
    ],
    [
      'is the text of a JSON Web Key',
      'base64',
      Buffer.from(JSON.stringify(rsaKey().publicKey.export({ format: 'jwk' }))).toString('base64'),
      'HS256',
      /secret: is a JSON Web Key, not a secret/,
    ],
    ['is empty', 'base64', '""', 'HS256', /secret\.base64: /],
  ] as const) {
    test(`that ${what} is a fault that does not print it: ${form}`, () => {
      const faults = faultsOf(file(`secret: { ${form}: ${variable} }`, algorithms), { KEY: text });
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', expected);
      assert.ok(!faults[0]?.includes(text.slice(0, 16)));
    });
  }

  test('has exactly one form', () => {
    const both = file(`secret: { base64: ${variable}, base64url: ${variable} }`);
    assert.match(
      faultsOf(both, { KEY: 'AAAA' }).join(),
      /secret: must have exactly one of base64, base64url$/,
    );
    assert.match(faultsOf(file('secret: {}')).join(), /secret: must have exactly one of base64, base64url$/);
    assert.match(faultsOf(file('secret: { hex: aa }')).join(), /secret\.hex: is not a known key; must be/);
  });
});
