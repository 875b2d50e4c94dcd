// Source: an adversarial review: made-up tokens that name a thousand audiences, where one issuer has an entry for each application.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AudienceNames, MAX_AUDIENCES } from '../../src/auth/read/audience-names.ts';
import { issuer, publicKey, Setup } from '../auth/support.ts';
import { keyPair, rs256 } from '../support/tokens.ts';

const key = keyPair('RS256');
const stranger = keyPair('RS256');
/** Entries of one issuer. */
const ENTRIES = 30;

const issuers = Array.from({ length: ENTRIES }, (_, n) =>
  issuer({
    name: `entry-${n}`,
    audience: [`app-${n}`, `app-${n}-test`],
    algorithms: ['RS256'],
    keys: [publicKey(key, ['RS256'])],
  }),
);

test('a token finds its issuer among many by its audience', async () => {
  const setup = new Setup({ issuers, verifiers: 0 });
  for (const aud of ['app-0', 'app-29-test', ['x', 'app-17'], ['app', 'app-3']]) {
    assert.equal(await setup.verdict(rs256(key, setup.claims({ aud }))), 'permit', `${aud}`);
    assert.equal(await setup.verdict(rs256(stranger, setup.claims({ aud }))), 'signature_invalid signature');
  }
  for (const aud of ['app-30', [], ['app-1', 1], 'app-', undefined]) {
    assert.equal(
      await setup.verdict(rs256(key, setup.claims({ aud }))),
      'audience_mismatch audience',
      `${aud}`,
    );
  }
  await setup.authorizer.close();
});

test('the audiences of a token are read once, also for thirty issuers', async (context) => {
  const setup = new Setup({ issuers, verifiers: 0 });
  const read = context.mock.method(AudienceNames.prototype, 'read');
  for (const aud of ['app-29', ['app-28'], 'app-30', Array(MAX_AUDIENCES).fill('app-x')]) {
    await setup.verdict(rs256(stranger, setup.claims({ aud })));
  }
  assert.equal(read.mock.callCount(), 4);
  await setup.authorizer.close();
});

test('a token with more audiences than any real one is refused before its signature, and before they are compared', async () => {
  const setup = new Setup({ issuers, verifiers: 0 });
  const { verifyBatchSize } = setup.counters;
  const aud = (count: number): string[] => [...Array(count - 1).fill('x'), 'app-7'];
  assert.equal(await setup.verdict(rs256(key, setup.claims({ aud: aud(MAX_AUDIENCES) }))), 'permit');
  const verified = verifyBatchSize.sum;
  for (const by of [key, stranger]) {
    const token = rs256(by, setup.claims({ aud: aud(MAX_AUDIENCES + 1) }));
    assert.equal(await setup.verdict(token), 'audience_mismatch audience');
  }
  assert.equal(verifyBatchSize.sum, verified);
  await setup.authorizer.close();
});

test('an issuer that accepts any audience reads none', async () => {
  const any = issuer({ audience: undefined, algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] });
  const setup = new Setup({ issuers: [any], verifiers: 0 });
  const aud = Array(MAX_AUDIENCES + 1).fill('x');
  assert.equal(await setup.verdict(rs256(key, setup.claims({ aud }))), 'permit');
  assert.equal(await setup.verdict(rs256(stranger, setup.claims({ aud }))), 'signature_invalid signature');
  await setup.authorizer.close();
});
