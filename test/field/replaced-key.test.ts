// Source: OidcProxy.Net#242, a provider that put a new key under the `kid` of an old one; also sets without any `kid`.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { VerificationKey } from '../../src/keys/key.ts';
import { issuer, publicKey, Setup } from '../auth/support.ts';
import { remoteKeys } from '../keysets/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';

const old = keyPair('RS256');
const replaced = keyPair('RS256');
const stranger = keyPair('RS256');
const GAP_MS = 30_000;

/** An issuer whose set is fetched at the pace of a real one, and whose response the test sets. */
class Provider {
  asked = 0;
  published: readonly VerificationKey[];
  readonly setup: Setup;
  readonly kid: string | undefined;
  #mayAskAt = 0;
  #inForce: readonly VerificationKey[];

  constructor(kid: string | undefined, verifiers = 0) {
    this.kid = kid;
    this.published = [publicKey(old, ['RS256'], kid)];
    this.#inForce = this.published;
    const remote = remoteKeys('https://issuer.example/keys', { unknownKidGapMs: GAP_MS });
    this.setup = new Setup({
      issuers: [issuer({ algorithms: ['RS256'], keys: [], remotes: [remote] })],
      verifiers,
      refetch: () => this.#refetch(),
    });
    this.setup.authorizer.setKeys('main', this.published);
  }

  token(by = replaced, claims: object = {}): string {
    return rs256(by, this.setup.claims({ ...claims }), { alg: 'RS256', kid: this.kid });
  }

  publish(): void {
    this.published = [publicKey(replaced, ['RS256'], this.kid)];
  }

  #refetch(): Promise<void> | undefined {
    const now = this.setup.clock.monotonic();
    if (now < this.#mayAskAt) return undefined;
    this.#mayAskAt = now + GAP_MS;
    this.asked += 1;
    return Promise.resolve().then(() => {
      // As a fetched set does: an equal set is not put in force again.
      if (this.published === this.#inForce) return;
      this.#inForce = this.published;
      this.setup.authorizer.setKeys('main', this.published);
    });
  }
}

for (const verifiers of [0, 1]) {
  for (const kid of ['k1', undefined]) {
    const where = `${kid === undefined ? 'without kid' : 'under the old kid'}, ${verifiers === 0 ? 'on the event loop' : 'on a thread'}`;
    test(`a token of a key that was replaced ${where} is accepted after the next fetch of the set`, async () => {
      const provider = new Provider(kid, verifiers);
      const { setup } = provider;
      await setup.authorizer.start();
      assert.equal(await setup.verdict(provider.token(old)), 'permit');
      provider.publish();
      const token = provider.token();
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => setup.verdict(token)));
      assert.deepEqual(new Set(verdicts), new Set(['permit']));
      assert.equal(provider.asked, 1);
      assert.equal(await setup.verdict(provider.token(old)), 'signature_invalid signature');
      await setup.authorizer.close();
    });
  }
}

describe('forged tokens', () => {
  test('cause a fetch once in a while, and are refused', async () => {
    const provider = new Provider('k1');
    const { setup } = provider;
    for (let round = 1; round <= 3; round += 1) {
      const tokens = Array.from({ length: 200 }, (_, n) =>
        provider.token(stranger, { jti: `${round}/${n}` }),
      );
      const verified = setup.counters.verifyBatchSize.sum;
      const verdicts = await Promise.all(tokens.map((token) => setup.verdict(token)));
      assert.deepEqual(new Set(verdicts), new Set(['signature_invalid signature']));
      assert.equal(provider.asked, round);
      assert.ok(setup.counters.verifyBatchSize.sum - verified <= 2 * tokens.length, 'twice at most');
      setup.clock.now += GAP_MS;
    }
    await setup.authorizer.close();
  });

  for (const [name, claims] of [
    ['another issuer', { iss: 'https://elsewhere.example' }],
    ['another audience', { aud: 'another' }],
    ['a time that is over', { exp: 1 }],
    ['no time that can be read', { exp: '9999999999' }],
  ] as const) {
    test(`with ${name} cause no fetch`, async () => {
      const provider = new Provider('k1');
      assert.match(
        await provider.setup.verdict(provider.token(stranger, claims)),
        /^(issuer|audience|signature)_/,
      );
      assert.equal(provider.asked, 0);
      await provider.setup.authorizer.close();
    });
  }

  test('cause no fetch where the keys are those of the configuration', async () => {
    let asked = 0;
    const setup = new Setup({
      issuers: [issuer({ algorithms: ['RS256'], keys: [publicKey(old, ['RS256'])] })],
      verifiers: 0,
      refetch: () => {
        asked += 1;
        return Promise.resolve();
      },
    });
    assert.equal(await setup.verdict(rs256(stranger, setup.claims())), 'signature_invalid signature');
    assert.equal(asked, 0);
    await setup.authorizer.close();
  });
});

test('a remembered refusal is dropped with new keys, and does not prevent their fetch', async () => {
  const provider = new Provider('k1');
  const { setup } = provider;
  // Another token uses up the pace.
  assert.equal(
    await setup.verdict(provider.token(stranger, { jti: 'first' })),
    'signature_invalid signature',
  );
  assert.equal(provider.asked, 1);
  const token = provider.token();
  await setup.ask(token);
  await setup.ask(token);
  assert.notEqual(setup.now(token), 'pending', 'remembered');
  provider.publish();
  setup.clock.now += GAP_MS;
  assert.equal(await setup.verdict(token), 'permit');
  assert.equal(provider.asked, 2);
  await setup.authorizer.close();
});
