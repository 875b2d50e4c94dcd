import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { formatFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/load.ts';
import { rsaKey } from '../support/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
after(() => rmSync(folder, { recursive: true }));

const rsa = rsaKey();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const files: Readonly<Record<string, string>> = {
  'rsa.pem': rsa.pem,
  'ec.pem': ec.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  'ed.pem': generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  'private.pem': rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'weak.pem': rsaKey(1024).pem,
  'keys.json': JSON.stringify({
    keys: [
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'r', alg: 'RS256' },
      { ...ec.publicKey.export({ format: 'jwk' }), kid: 'e' },
      { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'x', use: 'enc' },
    ],
  }),
  'private.json': JSON.stringify({ keys: [ec.privateKey.export({ format: 'jwk' })] }),
  'large.pem': rsa.pem + ' '.repeat(1024 * 1024),
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

function load(algorithms: string, keys: string, env: Readonly<Record<string, string>> = {}) {
  const text = `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers:
  app:
    issuer: x
    audience: y
    algorithms: [${algorithms}]
    keys:
      ${keys}
`;
  return parseConfig({ text, file: 'f', folder, env });
}

function faults(...args: Parameters<typeof load>): readonly string[] {
  const result = load(...args);
  return result.ok ? [] : result.faults.map(formatFault);
}

function config(...args: Parameters<typeof load>): Config {
  const result = load(...args);
  assert.ok(result.ok, faults(...args).join('\n'));
  return result.config;
}

const cases: readonly (readonly [name: string, algorithms: string, keys: string, ...faults: string[]])[] = [
  [
    'a missing file',
    'RS256',
    'pem: none.pem',
    `f:9:12: issuers.app.keys.pem: ${folder}/none.pem does not exist; must be a readable file`,
  ],
  [
    'a folder',
    'RS256',
    'pem: .',
    `f:9:12: issuers.app.keys.pem: ${folder} is a folder; must be a readable file`,
  ],
  [
    'a file that is too large',
    'RS256',
    'pem: large.pem',
    `f:9:12: issuers.app.keys.pem: ${folder}/large.pem is larger than 1048576 bytes; must be smaller`,
  ],
  [
    'a private key',
    'RS256',
    'pem: private.pem',
    `f:9:12: issuers.app.keys.pem: ${folder}/private.pem holds a private key; must hold the public key alone, as \`openssl pkey -in KEY -pubout\` prints it`,
  ],
  [
    'a weak key',
    'RS256',
    'pem: weak.pem',
    `f:9:12: issuers.app.keys.pem: ${folder}/weak.pem holds an RSA key of 1024 bits; must have at least 2048 bits`,
  ],
  [
    'faults in two files of a list',
    'RS256',
    'pem: [rsa.pem, none.pem, weak.pem]',
    `f:9:22: issuers.app.keys.pem[1]: ${folder}/none.pem does not exist; must be a readable file`,
    `f:9:32: issuers.app.keys.pem[2]: ${folder}/weak.pem holds an RSA key of 1024 bits; must have at least 2048 bits`,
  ],
  [
    'one key that fits nothing',
    'ES256',
    'pem: rsa.pem',
    'f:7:18: issuers.app.algorithms[0]: ES256 fits none of the keys (RSA key of 2048 bits); must be one of RS256, RS384, RS512, PS256, PS384, PS512',
  ],
  [
    'one of two keys that fits nothing',
    'RS256',
    'pem: [rsa.pem, ed.pem]',
    'f:9:22: issuers.app.keys.pem[1]: holds an Ed25519 key, which none of the algorithms fits; must come with one of EdDSA, Ed25519',
  ],
  [
    'one of two algorithms that fits nothing',
    'RS256, EdDSA',
    'pem: [rsa.pem]',
    'f:7:25: issuers.app.algorithms[1]: EdDSA fits none of the keys (RSA key of 2048 bits); must be one of RS256, RS384, RS512, PS256, PS384, PS512',
  ],
  [
    'PEM where a key set belongs',
    'RS256',
    'jwks: rsa.pem',
    `f:9:13: issuers.app.keys.jwks: ${folder}/rsa.pem is not JSON; must be a JWKS such as {"keys": [...]}`,
  ],
  [
    'a key set where PEM belongs',
    'RS256',
    'pem: keys.json',
    `f:9:12: issuers.app.keys.pem: ${folder}/keys.json holds no PEM block; must hold a PEM public key or X.509 certificate`,
  ],
  [
    'a private key in a key set',
    'ES256',
    'jwks: private.json',
    `f:9:13: issuers.app.keys.jwks: ${folder}/private.json holds a private key in keys[0]; must hold public keys only`,
  ],
  [
    'an algorithm no key of the set is for',
    'RS512, ES256',
    'jwks: keys.json',
    'f:7:18: issuers.app.algorithms[0]: RS512 fits none of the keys (RSA key of 2048 bits, EC key on P-256); must be one of RS256, ES256',
  ],
  [
    'a shared-secret algorithm with a key set',
    'HS256',
    'jwks: keys.json',
    'f:7:18: issuers.app.algorithms[0]: HS256 is for a shared secret, and everybody who has the public key could sign with it; must be an algorithm for public keys such as RS256',
  ],
];

for (const [name, algorithms, keys, ...expected] of cases) {
  test(`keys: ${name}`, () => assert.deepEqual(faults(algorithms, keys), expected));
}

test('a list of PEM files gives each key the algorithms that fit it', () => {
  const keys = config('RS256, ES256', 'pem: [rsa.pem, ./ec.pem]').issuers.get('app')?.keys;
  assert.deepEqual(
    keys?.map(({ kid, algorithms }) => [kid, algorithms]),
    [
      [undefined, ['RS256']],
      [undefined, ['ES256']],
    ],
  );
});

test('PEM text can stand in the file or come from the environment', () => {
  const inline = `pem: |\n${rsa.pem.replaceAll(/^/gm, '        ')}`;
  const id = config('RS256', 'pem: rsa.pem').issuers.get('app')?.keys[0]?.id;
  assert.equal(config('RS256', inline).issuers.get('app')?.keys[0]?.id, id);
  const variable = 'pem: $' + '{KEY}';
  assert.equal(config('RS256', variable, { KEY: rsa.pem }).issuers.get('app')?.keys[0]?.id, id);
  const text = faults('RS256', variable, { KEY: files['private.pem'] ?? '' }).join();
  assert.match(text, /^f:9:12: issuers\.app\.keys\.pem: the text holds a private key;/);
  assert.ok(!text.includes('-----'));
});

test('a key set gives its keys their kid, and a warning for each entry left out', () => {
  const { issuers, warnings } = config('RS256', 'jwks: keys.json');
  assert.deepEqual(
    issuers.get('app')?.keys.map(({ kid, algorithms }) => [kid, algorithms]),
    [['r', ['RS256']]],
  );
  assert.deepEqual(warnings, [
    `f:9:13: issuers.app.keys.jwks: ${folder}/keys.json: keys[2] (kid "x") is ignored: its "use" is not sig`,
    'f:9:13: issuers.app.keys.jwks: the key with kid "e" is ignored: it fits none of the algorithms',
  ]);
});

test('a secret is one key for all its algorithms', () => {
  const secret = 'hunter2-'.repeat(8);
  const { issuers } = config('HS256, HS512', 'secret: $' + '{SECRET}', { SECRET: secret });
  const [key] = issuers.get('app')?.keys ?? [];
  assert.deepEqual(key?.algorithms, ['HS256', 'HS512']);
  assert.deepEqual(key?.material, { kind: 'secret', secret });
});

test('a public key in place of a secret is refused and not shown', () => {
  for (const [name, what] of [
    ['rsa.pem', 'PEM or DER key'],
    ['keys.json', 'JSON Web Key'],
  ] as const) {
    const text = faults('HS256', 'secret: $' + '{SECRET}', { SECRET: files[name] ?? '' }).join('\n');
    assert.match(
      text,
      new RegExp(`^f:9:15: issuers\\.app\\.keys\\.secret: is a ${what}, not a secret;[^\\n]*$`),
    );
    assert.ok(!text.includes('BEGIN') && !text.includes('kty'));
  }
});
