import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Issuer } from '../../src/auth/policy/issuer.ts';
import { Policy } from '../../src/auth/policy/policy.ts';
import { rejections } from '../../src/auth/rejections.ts';
import { RefusedTokens } from '../../src/auth/remember/refused-tokens.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { forward, issuer, publicKey, Setup, verdictText } from './support.ts';

const key = keyPair('RS256');
const next = keyPair('RS256');

/** The same token with the signature of `other`, so that both have the same ending. */
function withSignatureOf(token: string, other: string): string {
  return `${token.slice(0, token.lastIndexOf('.'))}${other.slice(other.lastIndexOf('.'))}`;
}

describe('a token that is refused repeatedly', () => {
  const setup = new Setup({
    issuers: [issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])] })],
    verifiers: 0,
  });
  before(() => setup.authorizer.start());
  after(() => setup.authorizer.close());

  /** Repeats the request until a verdict comes without a signature check; fails when none does. */
  const teach = async (token: string): Promise<string> => {
    await setup.ask(token);
    await setup.ask(token);
    const verdict = setup.now(token);
    assert.notEqual(verdict, 'pending');
    return verdict === 'pending' ? verdict : verdictText(verdict);
  };
  const good = (jti: string): string => rs256(key, setup.claims({ jti }));
  const forged = (jti: string): string => rs256(next, setup.claims({ jti }));

  test('has its signature checked twice, then no more', async () => {
    const { counters } = setup;
    const token = forged('often');
    const [verified, hits] = [counters.verifyBatchSize.sum, counters.cacheHits.value];
    for (let at = 0; at < 5; at += 1) {
      assert.equal(await setup.verdict(token), 'signature_invalid signature');
    }
    assert.equal(counters.verifyBatchSize.sum - verified, 2);
    assert.equal(counters.cacheHits.value, hits, 'no hit: no request is let in');
    assert.equal(setup.authorizer.cacheEntries, 0);
  });

  test('is accepted at once when the key arrives that signed it', async () => {
    const token = forged('rotated');
    assert.equal(await teach(token), 'signature_invalid signature');
    setup.authorizer.setKeys('main', [publicKey(key, ['RS256']), publicKey(next, ['RS256'])]);
    assert.equal(await setup.verdict(token), 'permit');
    setup.authorizer.setKeys('main', [publicKey(key, ['RS256'])]);
    assert.equal(await setup.verdict(token), 'signature_invalid signature');
  });

  test('is refused as expired without a check, but not when the clock is set back', async () => {
    const token = rs256(key, setup.claims({ jti: 'late', exp: setup.clock.seconds(-1) }));
    assert.equal(await teach(token), 'token_expired expiry');
    const { now } = setup.clock;
    setup.clock.now -= 1000;
    assert.equal(await setup.verdict(token), 'token_expired expiry');
    setup.clock.now -= 1;
    assert.equal(await setup.verdict(token), 'permit');
    setup.clock.now = now;
    assert.equal(await setup.verdict(token), 'token_expired expiry');
  });

  test('does not stand for another token with the same ending', async () => {
    const token = good('victim');
    const bad = withSignatureOf(good('borrower'), token);
    assert.equal(await teach(bad), 'signature_invalid signature');
    assert.equal(await setup.verdict(token), 'permit');
    assert.equal(await setup.verdict(bad), 'signature_invalid signature');
    assert.equal(await setup.verdict(token), 'permit');
  });

  test('is judged anew where the policy differs', async () => {
    const token = forged('elsewhere');
    assert.equal(await teach(token), 'signature_invalid signature');
    const other = setup.route(['main'], { 'X-User': 'sub' });
    assert.equal(setup.now(token, other), 'pending');
    assert.equal(await setup.verdict(token, setup.route('none')), 'permit');
  });

  test('with a second Authorization header is ambiguous as before', async () => {
    const token = forged('twice');
    await teach(token);
    const verdict = await setup.askRaw(`Bearer ${token}`, 2);
    assert.equal(verdictText(verdict), 'authorization_ambiguous signature');
  });
});

describe('the store of refusals', () => {
  const main = new Issuer(issuer());
  const policy = new Policy([main], forward());
  const clock = { wall: () => 1_000, monotonic: () => 0 };
  const refused = (authorization: string) => ({
    authorization,
    policy,
    issuer: main,
    version: main.version,
    rejection: rejections.signature,
    since: 0,
    until: Number.POSITIVE_INFINITY,
  });
  const value = (name: string): string => `Bearer a.b.${name.padEnd(43, 't')}`;

  test('keeps a value that comes back, not one that comes once', () => {
    const store = new RefusedTokens(clock);
    store.add(refused(value('x')));
    assert.equal(store.find(value('x'), policy), undefined);
    store.add(refused(value('x')));
    assert.equal(store.find(value('x'), policy), rejections.signature);
    assert.equal(store.find(value('y'), policy), undefined);
  });

  test('keeps no value whose place others took in between', () => {
    const store = new RefusedTokens(clock);
    const inPlace = (mark: string): string => `Bearer a.b.${mark.repeat(38)}sssst`;
    for (let round = 0; round < 3; round += 1) {
      for (const mark of ['m', 'n', 'o']) store.add(refused(inPlace(mark)));
    }
    for (const mark of ['m', 'n', 'o']) assert.equal(store.find(inPlace(mark), policy), undefined);
  });

  test('keeps no long value', () => {
    const store = new RefusedTokens(clock);
    const kept = `Bearer ${'a'.repeat(2048 - 7)}`;
    for (const text of [kept, `${kept}a`]) {
      store.add(refused(text));
      store.add(refused(text));
    }
    assert.equal(store.find(kept, policy), rejections.signature);
    assert.equal(store.find(`${kept}a`, policy), undefined);
  });

  test('takes values of any length', () => {
    const store = new RefusedTokens(clock);
    for (const text of ['', 'B', 'Bearer ']) {
      store.add(refused(text));
      store.add(refused(text));
      assert.equal(store.find(text, policy), rejections.signature, text);
    }
  });
});
