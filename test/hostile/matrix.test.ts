import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { algorithms, otherNames } from '../../src/keys/algorithms.ts';
import { keyPair, signToken, type TestKey } from '../support/tokens.ts';
import { claims, issuerOf, SECRET, standFor, verificationKey } from './stand.ts';

function ed448(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed448');
  return { privateKey, publicKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const [rsa, rsaTwin] = [keyPair('RS256'), keyPair('RS256')];
const fresh = (algorithm: string) => [keyPair(algorithm), keyPair(algorithm)] as const;

/** Every algorithm with a key for it and a twin: another key of the same type, length and curve. */
const rows: readonly (readonly [
  name: string,
  algorithm: string,
  key: TestKey | string,
  twin: TestKey | string,
])[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map(
    (algorithm) => [algorithm, algorithm, rsa, rsaTwin] as const,
  ),
  ...['ES256', 'ES384', 'ES512'].map((algorithm) => [algorithm, algorithm, ...fresh(algorithm)] as const),
  ['EdDSA with Ed25519', 'EdDSA', ...fresh('EdDSA')],
  ['EdDSA with Ed448', 'EdDSA', ed448(), ed448()],
  ...['HS256', 'HS384', 'HS512'].map((algorithm) => [algorithm, algorithm, SECRET, `${SECRET}.`] as const),
];

const all = [...algorithms.keys()];
const typeOf = (algorithm: string): string | undefined => algorithms.get(algorithm)?.kty;
/** Algorithms that may stand in one issuer's list: secrets and public keys are never mixed. */
const kin = (algorithm: string): string[] =>
  all.filter((other) => (typeOf(other) === 'oct') === (typeOf(algorithm) === 'oct'));

for (const verifiers of [1, 0]) {
  describe(verifiers === 0 ? 'on the event loop' : 'on a thread', () => {
    // An issuer that allows one algorithm, and one that allows all its key's relatives, for every row.
    const stand = standFor(
      rows.flatMap(([name, algorithm, key]) => [
        issuerOf(name, [algorithm], [verificationKey(key, [algorithm])], { issuer: name }),
        issuerOf(`${name}, wide`, kin(algorithm), [verificationKey(key, kin(algorithm))], {
          issuer: `${name}, wide`,
        }),
      ]),
      { verifiers },
    );

    for (const [name, algorithm, key, twin] of rows) {
      test(`${name}: its key passes; a twin key and every alg of another signature are refused`, async () => {
        const invalid = '401 signature_invalid';
        for (const iss of [name, `${name}, wide`]) {
          await stand().admits(signToken(algorithm, key, claims({ iss })), iss);
          await stand().refuses(signToken(algorithm, twin, claims({ iss })), invalid, iss);
        }
        const usable =
          typeof key === 'string' ? ['HS256', 'HS384', 'HS512'] : verificationKey(key, all).algorithms;
        for (const other of all) {
          if (other === algorithm) continue;
          // The signature is that of the key's own algorithm; only the name in the header differs.
          const named = (iss: string): string => signToken(algorithm, key, claims({ iss }), { alg: other });
          const isOtherName = otherNames(algorithm).includes(other);
          if (isOtherName && usable.includes(other)) {
            await stand().admits(named(name), `${other} for ${name}`);
            await stand().admits(named(`${name}, wide`), `${other} for ${name}, wide`);
            continue;
          }
          const narrow = isOtherName ? '401 key_unknown' : '401 algorithm_not_allowed';
          await stand().refuses(named(name), narrow, other);
          const wide = !kin(algorithm).includes(other)
            ? '401 algorithm_not_allowed'
            : usable.includes(other)
              ? invalid
              : '401 key_unknown';
          await stand().refuses(named(`${name}, wide`), wide, `${other}, wide`);
        }
      });
    }

    test('a key of the same type does not pass on another curve', async () => {
      const keys = new Map(rows.map(([name, , key]) => [name, key]));
      const [on25519, on448] = ['EdDSA with Ed25519', 'EdDSA with Ed448'];
      for (const [iss, signer] of [
        [on25519, on448],
        [on448, on25519],
      ] as const) {
        const token = signToken('EdDSA', keys.get(signer) as TestKey, claims({ iss }));
        await stand().refuses(token, '401 signature_invalid', `${signer} for ${iss}`);
      }
      for (const name of ['ES256', 'ES384', 'ES512']) {
        for (const signer of ['ES256', 'ES384', 'ES512'].filter((other) => other !== name)) {
          // Signed with the hash of the named algorithm, by a key of the other curve.
          const token = signToken(name, keys.get(signer) as TestKey, claims({ iss: name }));
          await stand().refuses(token, '401 signature_invalid', `${signer}'s curve for ${name}`);
        }
      }
    });
  });
}
