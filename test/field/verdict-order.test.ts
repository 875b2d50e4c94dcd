// Source: an adversarial review: a token, expired and revoked, was `token_revoked` while remembered and `token_expired` anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revocations, TokenMarks } from '../../src/auth/revocations.ts';
import { issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';

const key = keyPair('RS256');
const issuers = [issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] })];

/** Revokes the given tokens, by `jti`. */
class List implements Revocations {
  version = 0;
  readonly #revoked = new Set<string>();

  revoke(jti: string): void {
    this.#revoked.add(jti);
    this.version += 1;
  }

  marks(name: string, claims: Readonly<Record<string, unknown>>): TokenMarks {
    const jti = String(claims['jti']);
    return { issuer: name, jti, sub: undefined, sid: undefined, issuedAt: 0, application: undefined };
  }

  cover({ jti }: TokenMarks): boolean {
    return this.#revoked.has(jti ?? '');
  }
}

const start = (): [Setup, List] => {
  const revocations = new List();
  return [new Setup({ issuers, verifiers: 0, revocations }), revocations];
};

for (const [name, seconds, claims, expected] of [
  ['expired and revoked', 3601, {}, 'token_expired expiry'],
  ['revoked alone', 0, {}, 'token_revoked signature'],
  ['not yet valid and revoked', -100, { nbf: -50 }, 'token_not_yet_valid expiry'],
] as const) {
  test(`a token that is ${name} has one verdict, remembered or not`, async () => {
    const verdicts: string[] = [];
    for (const isKnown of [true, false]) {
      const [setup, revocations] = start();
      const times = 'nbf' in claims ? { nbf: setup.clock.seconds(claims.nbf) } : {};
      const token = rs256(key, setup.claims({ jti: 'x', ...times }));
      if (isKnown) assert.equal(await setup.verdict(token), 'permit');
      revocations.revoke('x');
      setup.clock.now += seconds * 1000;
      assert.equal(setup.authorizer.cacheEntries, isKnown ? 1 : 0);
      verdicts.push(await setup.verdict(token));
      // The memory of it is gone or agrees.
      assert.equal(await setup.verdict(token), expected);
      await setup.authorizer.close();
    }
    assert.deepEqual(verdicts, [expected, expected]);
  });
}

test('a token that is neither is accepted, remembered or not', async () => {
  const [setup, revocations] = start();
  const token = rs256(key, setup.claims({ jti: 'x' }));
  revocations.revoke('another');
  assert.equal(await setup.verdict(token), 'permit');
  revocations.revoke('a third');
  assert.equal(await setup.verdict(token), 'permit');
  await setup.authorizer.close();
});
