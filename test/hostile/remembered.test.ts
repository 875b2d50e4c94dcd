import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../support/gateway.ts';
import { keyPair, rs256, secondsFromNow, signToken } from '../support/tokens.ts';
import { claims, issuerOf, segment, standFor, verificationKey } from './stand.ts';

const [keyA, keyB] = [keyPair('ES256'), keyPair('ES256')];
const rsa = keyPair('RS256');
const invalid = '401 signature_invalid';

const stand = standFor(
  [
    issuerOf('rsa', ['RS256'], [verificationKey(rsa, ['RS256'])]),
    // Both issuers use the same kid for different keys (CVE-2026-49998).
    issuerOf('a', ['ES256'], [verificationKey(keyA, ['ES256'], 'k1')], { issuer: 'https://a.example' }),
    issuerOf('b', ['ES256'], [verificationKey(keyB, ['ES256'], 'k1')], { issuer: 'https://b.example' }),
  ],
  {},
  { forward: { headers: new Map([['X-User', 'sub']]), token: 'keep', forwarded: new Set() } },
);
const cached = (): Promise<number> => stand().metric('portcullis_token_cache_entries');

/** The identity in the last request that upstream received. */
const lastUser = (): string | undefined => /X-User: (.*)\r\n/.exec(stand().seen.at(-1) ?? '')?.[1];

describe('what is remembered of one token never decides for another', () => {
  test('tokens with the same ending: the borrowed signature of a known token', async () => {
    const known = rs256(rsa, claims({ sub: 'victim' }));
    await stand().admits(known);
    await stand().admits(known, 'found again, so that the cache has its short way to it');
    const entries = await cached();
    const [header = '', , signature = ''] = known.split('.');
    for (const changes of [{ sub: 'admin' }, { exp: secondsFromNow(9999) }, { sub: 'victim', x: 1 }]) {
      const forged = `${header}.${segment(claims(changes))}.${signature}`;
      assert.equal(forged.slice(-43), known.slice(-43));
      await stand().refuses(forged, invalid, JSON.stringify(changes));
    }
    // The whole signature, and only its end, after other text.
    await stand().refuses(
      `${header}.${segment(claims())}.${'A'.repeat(299)}${signature.slice(-43)}`,
      invalid,
    );
    await stand().refuses(known.replace(header, segment({ alg: 'RS256', kid: 'x' })), invalid);
    await stand().refuses(signature.slice(-43), '401 token_malformed');
    assert.equal(await cached(), entries);
    await stand().admits(known);
    assert.equal(lastUser(), 'victim');
  });

  test('two hundred forgeries with the same ending neither displace the known token nor take its place', async () => {
    const known = rs256(rsa, claims({ sub: 'kept' }));
    await stand().admits(known);
    await stand().admits(known);
    const entries = await cached();
    const hits = await stand().metric('portcullis_token_cache_hits_total');
    const [header = '', , signature = ''] = known.split('.');
    for (let n = 0; n < 200; n += 1) {
      const forged = `${header}.${segment(claims({ sub: `forged ${n}` }))}.${signature}`;
      assert.equal(await stand().ask(`Bearer ${forged}`, '/attack'), invalid);
    }
    assert.equal(await cached(), entries);
    await stand().admits(known);
    assert.equal(await stand().metric('portcullis_token_cache_hits_total'), hits + 1);
  });

  test('two identities, one after the other and at the same time (CVE-2026-35039)', async () => {
    const tokens = ['alice', 'bob'].map((sub) => [sub, rs256(rsa, claims({ sub }))] as const);
    for (let n = 0; n < 10; n += 1) {
      for (const [sub, token] of tokens) {
        await stand().admits(token);
        assert.equal(lastUser(), sub);
      }
    }
  });

  test('a token of issuer A with the key of issuer B, under the same kid, before and after both are known', async () => {
    const make = (iss: string, key: typeof keyA): string =>
      signToken('ES256', key, claims({ iss: `https://${iss}.example`, sub: iss }), {
        alg: 'ES256',
        kid: 'k1',
      });
    for (let n = 0; n < 3; n += 1) {
      await stand().refuses(make('a', keyB), invalid, 'A by B');
      await stand().refuses(make('b', keyA), invalid, 'B by A');
      await stand().admits(make('a', keyA));
      await stand().admits(make('b', keyB));
    }
  });
});

describe('the same token gives the same verdict', () => {
  const rows: readonly (readonly [name: string, token: string, expected: string])[] = [
    ['good', rs256(rsa, claims({ sub: 'again' })), 'permit'],
    ['signed by a twin key', rs256(keyPair('RS256'), claims()), invalid],
    ['expired', rs256(rsa, claims({ exp: 1 })), '401 token_expired'],
    ['of another audience', rs256(rsa, claims({ aud: 'x' })), '401 audience_mismatch'],
    ['malformed', 'a.b.c', '401 token_malformed'],
  ];
  for (const [name, token, expected] of rows) {
    test(`a hundred times: ${name} (CVE-2026-35040)`, async () => {
      for (let n = 0; n < 100; n += 1) {
        assert.equal(
          await stand().ask(`Bearer ${token}`, expected === 'permit' ? '/control' : '/attack'),
          expected,
        );
      }
    });
  }

  test('until its time comes: a token that is not yet valid is accepted later', async () => {
    const token = rs256(rsa, claims({ nbf: Date.now() / 1000 + 0.7 }));
    await stand().refuses(token, '401 token_not_yet_valid');
    await eventually(
      () => stand().ask(`Bearer ${token}`, '/control'),
      (reply) => reply === 'permit',
    );
  });

  test('until its time is over: a known token is refused once it has expired', async () => {
    const token = rs256(rsa, claims({ exp: Date.now() / 1000 + 0.7 }));
    await stand().admits(token);
    const entries = await cached();
    await eventually(
      () => stand().ask(`Bearer ${token}`, '/control'),
      (reply) => reply === '401 token_expired',
    );
    await stand().refuses(token, '401 token_expired');
    assert.equal(await cached(), entries - 1);
  });
});

test('a second Authorization header is refused, whether or not the first holds a known token', async () => {
  const token = rs256(rsa, claims({ sub: 'twice' }));
  const bearer = `Bearer ${token}`;
  await stand().admits(token);
  for (const second of [bearer, 'Bearer a.b.c', 'Basic eA==', '']) {
    const both = `${bearer}\r\nAuthorization: ${second}`;
    assert.equal(await stand().ask(both, '/attack'), '400 authorization_ambiguous', second);
  }
  assert.equal(
    await stand().ask(`Bearer a.b.c\r\nAuthorization: ${bearer}`, '/attack'),
    '400 authorization_ambiguous',
  );
  await stand().admits(token);
});
