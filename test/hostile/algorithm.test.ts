import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { hs256, keyPair, rs256, signToken } from '../support/tokens.ts';
import { claims, compact, issuerOf, SECRET, standFor, verificationKey } from './stand.ts';

const rsa = keyPair('RS256');
const ec = keyPair('ES256');
const HMAC_ISSUER = 'https://hmac.example';
const refused = '401 algorithm_not_allowed';

const stand = standFor([
  issuerOf('main', ['RS256', 'ES256'], [verificationKey(rsa, ['RS256']), verificationKey(ec, ['ES256'])]),
  issuerOf('hmac', ['HS256'], [verificationKey(SECRET, ['HS256'])], { issuer: HMAC_ISSUER }),
]);

/** Every way to write `none` in small and capital letters. */
const spellings = Array.from({ length: 16 }, (_, bits) =>
  [...'none'].map((letter, at) => (bits & (1 << at) ? letter.toUpperCase() : letter)).join(''),
);

describe('alg none', () => {
  const odd = ['none ', ' none', 'none\0', '\ufeffnone', 'nоne', 'none,RS256', 'RS256,none', 'NULL', ''];
  for (const alg of [...spellings, ...odd]) {
    test(`as ${JSON.stringify(alg)}: unsigned, signed, and signed with an empty secret`, async () => {
      const header = { alg, typ: 'JWT' };
      await stand().refuses(compact(header, claims(), ''), refused);
      await stand().refuses(rs256(rsa, claims(), header), refused);
      await stand().refuses(hs256('', claims(), header), refused);
      await stand().refuses(compact(header, claims({ iss: HMAC_ISSUER }), ''), refused);
    });
  }

  test('as another type, or missing', async () => {
    for (const alg of [null, false, true, 0, 1, [], ['none'], ['RS256'], {}, { RS256: 1 }, undefined]) {
      await stand().refuses(rs256(rsa, claims(), { alg, typ: 'JWT' }), refused, JSON.stringify(alg));
    }
  });

  test('written with escapes', async () => {
    await stand().refuses(compact('{"alg":"\\u006eone"}', claims(), ''), refused);
    await stand().refuses(compact('{"\\u0061lg":"n\\u006Fne"}', claims(), ''), refused);
    await stand().admits(rs256(rsa, claims(), '{"\\u0061lg":"RS\\u0032\\u0035\\u0036"}'));
  });

  test('as a genuine header without its signature, or with an empty one', async () => {
    const [header = '', payload = ''] = rs256(rsa, claims()).split('.');
    await stand().refuses(`${header}.${payload}.`, '401 signature_invalid');
    await stand().refuses(`${header}.${payload}`, '401 token_malformed');
  });
});

describe('names that are nearly an allowed one', () => {
  const near = [
    'rs256',
    'Rs256',
    'RS256 ',
    ' RS256',
    'RS256\0',
    'RS2560',
    'RS25',
    'RSA256',
    'SHA256withRSA',
    'RS1',
    'ES256K',
  ];
  for (const alg of [
    ...near,
    'HS256',
    'HS1',
    'dir',
    'RSA-OAEP',
    'PBES2-HS256+A128KW',
    '__proto__',
    'constructor',
  ]) {
    test(JSON.stringify(alg), async () => {
      await stand().refuses(rs256(rsa, claims(), { alg, typ: 'JWT', p2c: 2 ** 31, p2s: 'AAAA' }), refused);
    });
  }
});

describe('HMAC keyed with the public key (CVE-2023-48223, CVE-2026-34950, CVE-2026-39999)', () => {
  const { pem, publicKey } = rsa;
  const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const jwk = publicKey.export({ format: 'jwk' });
  const named = { ...jwk, kid: 'k1', use: 'sig', alg: 'RS256' };
  const secrets: readonly (readonly [name: string, secret: string | Buffer])[] = [
    ['PEM', pem],
    ['PEM without its last newline', pem.trimEnd()],
    ['PEM in one line', pem.replaceAll('\n', '')],
    ['PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PEM behind a space', ` ${pem}`],
    ['PEM behind a tab', `\t${pem}`],
    ['PEM behind a newline', `\n${pem}`],
    ['PEM behind CRLF', `\r\n${pem}`],
    ['PEM behind junk', `junk${pem}`],
    ['PEM behind a byte order mark', `\ufeff${pem}`],
    ['PEM behind a zero-width space', `\u200b${pem}`],
    ['PEM before junk', `${pem}junk`],
    ['body of the PEM', pem.replaceAll(/-----[^-]+-----|\s/g, '')],
    ['PKCS#1 PEM', pkcs1],
    ['PKCS#1 PEM with CRLF', pkcs1.replaceAll('\n', '\r\n')],
    ['PKCS#1 PEM behind a newline', `\n${pkcs1}`],
    ['SPKI DER', publicKey.export({ type: 'spki', format: 'der' })],
    ['PKCS#1 DER', publicKey.export({ type: 'pkcs1', format: 'der' })],
    ['JWK', JSON.stringify(jwk)],
    ['JWK with kid, use and alg', JSON.stringify(named)],
    ['JWK with indents', JSON.stringify(named, undefined, 2)],
    ['JWKS', JSON.stringify({ keys: [named] })],
    ['modulus', Buffer.from(jwk.n as string, 'base64url')],
    ['modulus in base64url', jwk.n as string],
    ['PEM of the other key', ec.pem],
    ['empty secret', ''],
    ['NUL', '\0'],
    ['word undefined', 'undefined'],
    ['word null', 'null'],
  ];
  for (const [name, secret] of secrets) {
    test(name, async () => {
      for (const algorithm of ['HS256', 'HS384', 'HS512']) {
        const sign = (changes: object, header: object = {}): string =>
          signHmac(algorithm, secret, claims({ ...changes }), { alg: algorithm, ...header });
        await stand().refuses(sign({}), refused, algorithm);
        await stand().refuses(sign({}, { kid: 'k1', typ: 'at+jwt' }), refused, `${algorithm} with kid`);
        await stand().refuses(
          sign({ iss: HMAC_ISSUER }),
          algorithm === 'HS256' ? '401 signature_invalid' : refused,
          `${algorithm} for the issuer with a secret`,
        );
      }
    });
  }

  test('the secret of one issuer does not sign for another', async () => {
    await stand().admits(hs256(SECRET, claims({ iss: HMAC_ISSUER })));
    await stand().refuses(hs256(SECRET, claims()), refused);
    await stand().refuses(rs256(rsa, claims({ iss: HMAC_ISSUER })), refused);
  });
});

describe('the configuration chooses the algorithm, never the token (CVE-2026-22817)', () => {
  test('an RSA key that could do more verifies only what is allowed', async () => {
    for (const algorithm of ['RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
      await stand().refuses(signToken(algorithm, rsa, claims()), refused, algorithm);
    }
    await stand().admits(signToken('RS256', rsa, claims()));
  });

  test('ES256K is not ES256', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const key = { privateKey, publicKey, pem: '' };
    await stand().refuses(signToken('ES256', key, claims(), { alg: 'ES256K' }), refused);
    await stand().refuses(signToken('ES256', key, claims()), '401 signature_invalid');
  });
});

/** `signToken` takes secrets as text; here they may be bytes. */
function signHmac(algorithm: string, secret: string | Buffer, payload: unknown, header: unknown): string {
  const input = compact(header, payload, '').slice(0, -1);
  return `${input}.${createHmac(`sha${algorithm.slice(2)}`, secret)
    .update(input)
    .digest('base64url')}`;
}
