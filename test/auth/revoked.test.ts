import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Revocations, TokenMarks } from '../../src/auth/revocations.ts';
import type { Permit } from '../../src/auth/verdict.ts';
import { issuer, Setup, verdictText } from './support.ts';

/** Revocations by user, and the number of lookups. */
class ByUser implements Revocations {
  version = 1;
  asked = 0;
  readonly #users = new Set<string>();

  revoke(user: string): void {
    this.#users.add(user);
    this.version += 1;
  }

  marks(issuer: string, { sub }: Readonly<Record<string, unknown>>): TokenMarks {
    return { issuer, jti: undefined, sub: String(sub), sid: undefined, issuedAt: 0, application: undefined };
  }

  cover({ issuer, sub }: TokenMarks): boolean {
    this.asked += 1;
    return issuer === 'main' && this.#users.has(sub as string);
  }
}

describe('a revoked token', () => {
  test('is refused from the next request on, while others stay known', async () => {
    const revocations = new ByUser();
    const setup = new Setup({ revocations });
    const [alice, bob] = [setup.token({ sub: 'alice' }), setup.token({ sub: 'bob' })];
    assert.equal(await setup.verdict(alice), 'permit');
    assert.equal(await setup.verdict(bob), 'permit');
    revocations.revoke('alice');
    assert.equal(verdictText(setup.now(alice) as Permit), 'token_revoked signature');
    assert.equal(setup.authorizer.cacheEntries, 1);
    const hits = setup.counters.cacheHits.value;
    assert.equal(verdictText(setup.now(bob) as Permit), 'permit');
    assert.equal(setup.counters.cacheHits.value, hits + 1);
    assert.equal(await setup.verdict(alice), 'token_revoked signature');
  });

  test('is refused on its first use too, once its signature is good', async () => {
    const revocations = new ByUser();
    const setup = new Setup({ revocations });
    revocations.revoke('alice');
    assert.equal(await setup.verdict(setup.token({ sub: 'alice' })), 'token_revoked signature');
    const forged = `${setup.token({ sub: 'alice' }).slice(0, -43)}${'A'.repeat(43)}`;
    assert.equal(await setup.verdict(forged), 'signature_invalid signature');
    assert.equal(setup.authorizer.cacheEntries, 0);
  });

  test('is revoked only where the issuer that judges it is the revoked one', async () => {
    const revocations = new ByUser();
    const setup = new Setup({
      revocations,
      issuers: [
        issuer(),
        issuer({ name: 'other', issuer: undefined }),
        issuer({ name: 'third', issuer: 'x' }),
      ],
    });
    const [main, other, third] = ['main', 'other', 'third'].map((name) => setup.route([name]));
    const token = setup.token({ sub: 'alice' });
    assert.equal(await setup.verdict(token, main), 'permit');
    revocations.revoke('alice');
    assert.equal(await setup.verdict(token, other), 'permit');
    assert.equal(await setup.verdict(token, third), 'issuer_mismatch issuer');
    assert.equal(await setup.verdict(token, main), 'token_revoked signature');
  });

  test('is reported as expired once it has expired', async () => {
    const revocations = new ByUser();
    const setup = new Setup({ revocations });
    revocations.revoke('alice');
    const token = setup.token({ sub: 'alice', exp: setup.clock.seconds(-1) });
    assert.equal(await setup.verdict(token), 'token_expired expiry');
  });

  test('that is known is looked up once for each change, and not on each request', async () => {
    const revocations = new ByUser();
    const setup = new Setup({ revocations });
    const token = setup.token({ sub: 'bob' });
    await setup.verdict(token);
    revocations.revoke('alice');
    const asked = revocations.asked;
    for (let n = 0; n < 10; n += 1) assert.equal(verdictText(setup.now(token) as Permit), 'permit');
    assert.equal(revocations.asked, asked + 1);
  });
});
