// Source: RFC 9864, whose names Ed25519 and Ed448 providers put in the place of EdDSA, in key sets and in tokens.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readKeySet } from '../../src/keysets/read-key-set.ts';
import { configOf, faultsOf } from '../config/check.ts';
import { claims, issuerOf, Stand } from '../hostile/stand.ts';
import { keyPair, signToken, type TestKey } from '../support/tokens.ts';

const [on25519, on448, other25519] = [keyPair('Ed25519'), keyPair('Ed448'), keyPair('Ed25519')];

function entry(key: TestKey, members: Readonly<Record<string, unknown>>): object {
  return { ...key.publicKey.export({ format: 'jwk' }), ...members };
}

/** A gateway whose issuer allows these algorithms and has published these entries. */
async function withSet(
  allowed: readonly string[],
  entries: readonly object[],
  use: (stand: Stand) => Promise<void>,
): Promise<void> {
  const { keys } = readKeySet(JSON.stringify({ keys: entries }), allowed);
  const stand = await Stand.start([issuerOf('ed', allowed, keys)]);
  try {
    await use(stand);
  } finally {
    await stand.close();
  }
}

const token = (key: TestKey, alg: string, kid?: string): string =>
  signToken('EdDSA', key, claims(), { alg, ...(kid === undefined ? {} : { kid }) });

describe('Ed25519 is EdDSA on that curve and on no other', () => {
  for (const allowed of [['EdDSA'], ['Ed25519'], ['EdDSA', 'Ed25519']]) {
    for (const named of [{ alg: 'EdDSA' }, { alg: 'Ed25519' }, {}]) {
      test(`allowed as ${allowed}, published ${JSON.stringify(named)}`, () =>
        withSet(allowed, [entry(on25519, { kid: 'k', ...named })], async (stand) => {
          for (const alg of ['EdDSA', 'Ed25519']) {
            await stand.admits(token(on25519, alg, 'k'), alg);
            await stand.refuses(token(other25519, alg, 'k'), '401 signature_invalid', `${alg} of another`);
          }
          const wrong = allowed.includes('EdDSA') ? '401 key_unknown' : '401 algorithm_not_allowed';
          await stand.refuses(token(on25519, 'Ed448', 'k'), wrong);
          await stand.refuses(token(on25519, 'ed25519', 'k'), '401 algorithm_not_allowed');
          await stand.refuses(token(on25519, 'RS256', 'k'), '401 algorithm_not_allowed');
        }));
    }
  }

  test('a key on the other curve is refused where one is named', () =>
    withSet(['Ed25519'], [entry(on25519, { kid: 'a' }), entry(on448, { kid: 'b' })], async (stand) => {
      await stand.admits(token(on25519, 'EdDSA', 'a'));
      for (const alg of ['EdDSA', 'Ed25519']) {
        await stand.refuses(token(on448, alg, 'b'), '401 key_unknown', alg);
        await stand.refuses(token(on448, alg), '401 signature_invalid', `${alg} without kid`);
      }
      await stand.refuses(token(on448, 'Ed448', 'b'), '401 algorithm_not_allowed');
    }));

  test('both curves have their own keys where EdDSA is allowed', () =>
    withSet(
      ['EdDSA'],
      [entry(on25519, { kid: 'a', alg: 'Ed25519' }), entry(on448, { kid: 'b', alg: 'Ed448' })],
      async (stand) => {
        await stand.admits(token(on25519, 'Ed25519', 'a'));
        await stand.admits(token(on448, 'Ed448', 'b'));
        await stand.admits(token(on448, 'EdDSA', 'b'));
        await stand.refuses(token(on448, 'Ed25519', 'b'), '401 key_unknown');
        await stand.refuses(token(on25519, 'EdDSA', 'b'), '401 signature_invalid');
      },
    ));

  test('an entry whose alg is the other curve is left out', () => {
    const { keys, ignored } = readKeySet(
      JSON.stringify({ keys: [entry(on25519, { kid: 'a', alg: 'Ed448' })] }),
      ['EdDSA', 'Ed25519', 'Ed448'],
    );
    assert.deepEqual(keys, []);
    assert.deepEqual(ignored, ['keys[0] (kid "a") is ignored: its "alg" is not EdDSA, Ed25519']);
  });

  test('it can be configured, and a key that does not fit is a fault', () => {
    const file = (algorithm: string, key: TestKey) => `listen: 127.0.0.1:0
upstream: http://127.0.0.1:9000
issuers: { app: { issuer: x, audience: y, algorithms: [${algorithm}], keys: { pem: ${JSON.stringify(key.pem)} } } }
`;
    assert.deepEqual(configOf(file('Ed25519', on25519)).issuers.get('app')?.algorithms, ['Ed25519']);
    assert.deepEqual(configOf(file('Ed448', on448)).issuers.get('app')?.algorithms, ['Ed448']);
    assert.match(
      faultsOf(file('Ed25519', on448)).join(),
      /algorithms\[0\]: Ed25519 fits none of the keys \(Ed448 key\); must be one of EdDSA, Ed448$/,
    );
  });
});
