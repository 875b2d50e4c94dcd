// Source: supabase/cli#4726, one issuer that signs with a shared secret and with public keys while it migrates.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Config, IssuerConfig } from '../../src/config/config.ts';
import { configOf, faultsOf } from '../config/check.ts';
import { claims, ISSUER, SECRET, Stand } from '../hostile/stand.ts';
import { isReady, shownKeySets } from '../keysets/fetched-gateway.ts';
import { jwk, keySet, ScriptedIssuer, status } from '../keysets/scripted-issuer.ts';
import { eventually } from '../support/gateway.ts';
import { keyPair, signToken, type TestKey } from '../support/tokens.ts';

const [ec, otherEc, rsa] = [keyPair('ES256'), keyPair('ES256'), keyPair('RS256')];

const file = (algorithms: string, sources: string): string => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: "${ISSUER}", audience: orders, algorithms: [${algorithms}], keys: ${sources} } }
`;
const secret = `{ secret: "${SECRET}", algorithms: [HS256] }`;
const pem = (key: TestKey, algorithm: string): string =>
  `{ pem: ${JSON.stringify(key.pem)}, algorithms: [${algorithm}] }`;

async function withKeys(
  text: string,
  use: (stand: Stand) => Promise<void>,
  config: Partial<Config> = {},
): Promise<void> {
  const issuers = [...configOf(text).issuers.values()] as IssuerConfig[];
  const stand = await Stand.start(issuers, config as never);
  try {
    await use(stand);
  } finally {
    await stand.close();
  }
}

const hs = (key: string, header: object = { alg: 'HS256' }): string =>
  signToken('HS256', key, claims(), header);
const es = (key: TestKey, header: object = { alg: 'ES256' }): string =>
  signToken('ES256', key, claims(), header);

describe('an issuer with keys of two kinds', () => {
  test('accepts tokens of both, and no key serves another algorithm than its own', () =>
    withKeys(file('HS256, ES256', `[${secret}, ${pem(ec, 'ES256')}]`), async (stand) => {
      await stand.admits(hs(SECRET), 'HS256');
      await stand.admits(es(ec), 'ES256');
      await stand.admits(es(ec, { alg: 'ES256', kid: 'any' }), 'ES256 with a kid');
      const invalid = '401 signature_invalid';
      await stand.refuses(es(otherEc), invalid, 'another key');
      await stand.refuses(hs(`${SECRET}.`), invalid, 'another secret');
      // A public key is no secret (CVE-2023-48223), in any of its forms.
      const { publicKey } = ec;
      for (const known of [
        ec.pem,
        ec.pem.trim(),
        ec.pem.replaceAll('\n', ''),
        publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
        publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'),
        JSON.stringify(publicKey.export({ format: 'jwk' })),
      ]) {
        await stand.refuses(hs(known), invalid, 'HS256 with the public key');
      }
      await stand.refuses(hs(SECRET, { alg: 'ES256' }), invalid, 'an HMAC called ES256');
      await stand.refuses(es(ec, { alg: 'HS256' }), invalid, 'a signature called HS256');
      for (const alg of ['HS384', 'HS512', 'ES384', 'RS256', 'none', 'hs256']) {
        await stand.refuses(hs(SECRET, { alg }), '401 algorithm_not_allowed', alg);
      }
      await stand.refuses(
        `${es(ec).split('.').slice(0, 2).join('.')}.`,
        '401 signature_invalid',
        'no signature',
      );
    }));

  test('keeps two public sources apart', () =>
    withKeys(
      file(
        'RS256, PS256, ES256',
        `[${pem(rsa, 'PS256')}, ${pem(ec, 'ES256')}, ${pem(keyPair('RS256'), 'RS256')}]`,
      ),
      async (stand) => {
        await stand.admits(signToken('PS256', rsa, claims()));
        // The key could, but it is pinned to PS256.
        await stand.refuses(signToken('RS256', rsa, claims()), '401 signature_invalid');
      },
    ));
});

describe('configured and fetched keys side by side', () => {
  const state = mkdtempSync(join(tmpdir(), 'portcullis-'));
  after(() => rmSync(state, { recursive: true }));

  test('serve, are shown and are kept each by its source', async () => {
    const server = await ScriptedIssuer.start();
    const oct = { kty: 'oct', kid: 'o', k: Buffer.from(SECRET).toString('base64url') };
    server.responses.set('/new', keySet(jwk(ec, { kid: 'e' }), jwk(rsa, { kid: 'r' }), oct));
    server.responses.set('/old', keySet(jwk(rsa, { kid: 'e' })));
    const text = file(
      'HS256, ES256, RS256',
      `[${secret}, { jwks: "${server.url('/new')}", algorithms: [ES256] }, { jwks: "${server.url('/old')}", algorithms: [RS256] }]`,
    );
    try {
      await withKeys(
        text,
        async (stand) => {
          await eventually(() => isReady(stand.gateway), Boolean);
          await stand.admits(hs(SECRET), 'the secret');
          await stand.admits(hs(SECRET, { alg: 'HS256', kid: 'e' }), 'the secret, with any kid');
          await stand.admits(es(ec, { alg: 'ES256', kid: 'e' }), 'the new set');
          await stand.admits(signToken('RS256', rsa, claims(), { alg: 'RS256', kid: 'e' }), 'the old set');
          await stand.refuses(
            signToken('RS256', rsa, claims(), { alg: 'RS256', kid: 'r' }),
            '401 key_unknown',
            'a key of the set that is pinned to another algorithm',
          );
          await stand.refuses(hs(ec.pem), '401 signature_invalid');
          const shown = await shownKeySets(stand.gateway);
          assert.deepEqual(
            shown.map(({ issuer, source, kids }) => [issuer, source, kids]),
            [
              ['app', 'configuration', []],
              ['app', server.url('/new'), ['e']],
              ['app', server.url('/old'), ['e']],
            ],
          );
          assert.deepEqual(shown[1]?.ignored, [
            'keys[2] is ignored: the set holds a secret key in keys[2] (kid "o"); must hold public keys only',
            'the key with kid "r" is ignored: it fits none of the algorithms',
          ]);
          await eventually(
            () => keptSets(state),
            (files) => files.length === 2,
          );
        },
        { state },
      );
      // A restart while both are down has the kept keys, each from its own file.
      for (const path of ['/new', '/old']) server.responses.set(path, status(503));
      await withKeys(
        text,
        async (stand) => {
          await stand.admits(es(ec, { alg: 'ES256', kid: 'e' }), 'kept');
          await stand.admits(signToken('RS256', rsa, claims(), { alg: 'RS256', kid: 'e' }), 'kept');
          await stand.admits(hs(SECRET));
        },
        { state },
      );
    } finally {
      await server.close();
    }
  });

  test('a source that is down is reported, and its tokens are not called wrong', async () => {
    const server = await ScriptedIssuer.start();
    server.responses.set('/new', status(500));
    try {
      await withKeys(
        file('HS256, ES256', `[${secret}, { jwks: "${server.url('/new')}", algorithms: [ES256] }]`),
        async (stand) => {
          await eventually(
            () => shownKeySets(stand.gateway),
            (sets) => (sets[1]?.lastError ?? null) !== null,
          );
          assert.equal(await isReady(stand.gateway), false);
          await stand.admits(hs(SECRET), 'the secret serves all the same');
          await stand.refuses(es(ec), '503 keys_unavailable');
          await stand.refuses(hs(`${SECRET}.`), '401 signature_invalid');
        },
      );
    } finally {
      await server.close();
    }
  });
});

function keptSets(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /^keyset-app\+[\w-]+\.json$/.test(name));
}

describe('a list of sources is checked', () => {
  const key = JSON.stringify(ec.pem);
  for (const [what, algorithms, sources, expected] of [
    [
      'a secret for a public algorithm',
      'ES256',
      `[{ secret: "${SECRET}", algorithms: [ES256] }]`,
      'keys[0].algorithms[0]: ES256 needs a public key, and this source has a secret; must be',
    ],
    [
      'a public key for a shared secret',
      'HS256',
      `[{ pem: ${key}, algorithms: [HS256] }]`,
      'keys[0].algorithms[0]: HS256 is for a shared secret, and everybody who has',
    ],
    [
      'both kinds in one source',
      'HS256, ES256',
      `[{ pem: ${key}, algorithms: [ES256, HS256] }]`,
      'keys[0].algorithms[1]: HS256 is for a shared secret',
    ],
    [
      'a fetched set for a shared secret',
      'HS256',
      '[{ jwks: "https://idp/k", algorithms: [HS256] }]',
      'keys[0].algorithms[0]: HS256 is for a shared secret',
    ],
    [
      'two secrets in the only source',
      'HS256',
      `[{ pem: ${key}, secret: "${SECRET}", algorithms: [HS256] }]`,
      'keys[0]: has pem and secret; must have exactly one of',
    ],
    [
      'no algorithms',
      'ES256',
      `[{ pem: ${key} }]`,
      'keys[0].algorithms: is missing; must be a list of those',
    ],
    [
      'an algorithm that the issuer has not',
      'ES256',
      `[{ pem: ${key}, algorithms: [ES256, ES384] }]`,
      "keys[0].algorithms[1]: is not one of the issuer's algorithms; must be one of ES256",
    ],
    [
      'an algorithm of no source',
      'ES256, HS256',
      `[{ pem: ${key}, algorithms: [ES256] }]`,
      'algorithms[1]: stands at none of the sources of keys; must be left out',
    ],
    [
      'an algorithm twice',
      'ES256',
      `[{ pem: ${key}, algorithms: [ES256, ES256] }]`,
      'keys[0].algorithms[1]: stands in the list twice',
    ],
    [
      'a key that does not fit',
      'ES384',
      `[{ pem: ${key}, algorithms: [ES384] }]`,
      'keys[0].algorithms[0]: ES384 fits none of the keys (EC key on P-256)',
    ],
    ['an empty list', 'ES256', '[]', 'keys: is an empty list; must be a mapping with exactly one of'],
    [
      'too many',
      'ES256',
      `[${Array(9).fill('{ jwks: "https://idp/k", algorithms: [ES256] }').join(', ')}]`,
      'keys: has too many entries; must be at most 8',
    ],
    [
      'one address twice',
      'ES256, RS256',
      '[{ jwks: "https://idp/k", algorithms: [ES256] }, { jwks: "https://idp/k", algorithms: [RS256] }]',
      'keys: fetches two sources from one address; must be one source',
    ],
    [
      'an unknown key',
      'ES256',
      `[{ pem: ${key}, algorithms: [ES256], kid: a }]`,
      'keys[0].kid: is not a known key; must be',
    ],
    [
      'algorithms of a source that is the only one',
      'ES256',
      `{ pem: ${key}, algorithms: [ES256] }`,
      'keys.algorithms: is not a known key; must be',
    ],
    [
      'a short secret',
      'HS256',
      '[{ secret: short, algorithms: [HS256] }]',
      'keys[0].secret: has 5 bytes; must have at least 32',
    ],
    ['plain http', 'ES256', '[{ jwks: "http://idp/k", algorithms: [ES256] }]', 'keys[0].jwks: is plain http'],
  ] as const) {
    test(what, () => {
      const faults = faultsOf(file(algorithms, sources)).map((fault) =>
        fault.replace(/^f:\d+:\d+: issuers\.app\./, ''),
      );
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.ok(faults[0]?.startsWith(expected), faults[0]);
    });
  }
});
