import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Pending, Permit, Rejection } from '../../src/auth/verdict.ts';
import { keyPair, rs256, signToken } from '../support/tokens.ts';
import { piscinas } from './piscinas.ts';
import { forward, head, issuer, publicKey, SECRET, Setup, verdictText } from './support.ts';

const key = keyPair('RS256');
const rsa = (changes = {}) =>
  issuer({ algorithms: ['RS256'], keys: [publicKey(key, ['RS256'])], ...changes });

class Waiter {
  readonly verdicts: string[] = [];

  onVerdict(verdict: Permit | Rejection): void {
    this.verdicts.push(verdictText(verdict));
  }
}

function begin(setup: Setup, token: string, waiter = new Waiter(), policy = setup.policy): Pending {
  const verdict = setup.authorizer.authorize(policy, head(`Bearer ${token}`), waiter);
  assert.equal(verdict.kind, 'pending');
  assert.deepEqual(waiter.verdicts, [], 'never called from within authorize');
  return verdict as Pending;
}

for (const [how, verifiers] of [
  ['on a thread', 1],
  ['on the event loop', 0],
] as const) {
  describe(`a token under verification, ${how}`, () => {
    const setup = new Setup({ issuers: [rsa(), rsa({ name: 'twin', audience: ['app-2'] })], verifiers });
    before(() => setup.authorizer.start());
    after(() => setup.authorizer.close());
    const token = (changes = {}): string => rs256(key, setup.claims(changes));

    test('is verified once for any number of waiting requests', async () => {
      const { verifyBatchSize, cacheMisses } = setup.counters;
      const [verified, missed] = [verifyBatchSize.sum, cacheMisses.value];
      const same = token({ jti: 'single' });
      const verdicts = await Promise.all(Array.from({ length: 500 }, () => setup.verdict(same)));
      assert.deepEqual(new Set(verdicts), new Set(['permit']));
      assert.equal(verifyBatchSize.sum - verified, 1);
      assert.equal(cacheMisses.value - missed, 500);
    });

    test('is refused once for all waiting requests', async () => {
      const verified = setup.counters.verifyBatchSize.sum;
      const forged = `${token({ jti: 'x' }).replace(/[^.]*$/, '')}${token({ jti: 'y' }).replace(/^.*\./, '')}`;
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => setup.verdict(forged)));
      assert.deepEqual(new Set(verdicts), new Set(['signature_invalid signature']));
      assert.equal(setup.counters.verifyBatchSize.sum - verified, 1);
    });

    test('gives each route its own headers', async () => {
      const same = token({ jti: 'routes' });
      const user = setup.route(['main'], { 'X-User': 'sub' });
      const id = setup.authorizer.policy({ auth: ['main'], forward: forward({ 'X-Id': 'jti' }, 'strip') });
      const verified = setup.counters.verifyBatchSize.sum;
      const settled = await Promise.all([setup.ask(same, user), setup.ask(same, id), setup.ask(same, user)]);
      assert.deepEqual(settled, [
        { kind: 'permit', headers: 'X-User: user-1\r\n', stripToken: false },
        { kind: 'permit', headers: 'X-Id: routes\r\n', stripToken: true },
        { kind: 'permit', headers: 'X-User: user-1\r\n', stripToken: false },
      ]);
      assert.equal(setup.counters.verifyBatchSize.sum - verified, 1);
    });

    test('is judged separately for each issuer', async () => {
      const same = token({ jti: 'issuers', aud: ['app-1', 'app-2'] });
      const verdicts = await Promise.all([
        setup.verdict(same, setup.route(['main'])),
        setup.verdict(same, setup.route(['twin'])),
      ]);
      assert.deepEqual(verdicts, ['permit', 'permit']);
    });

    test('does not call waiters that left, calls the others, and is remembered', async () => {
      const same = token({ jti: 'cancel' });
      const [left, stayed] = [new Waiter(), new Waiter()];
      const pending = begin(setup, same, left);
      begin(setup, same, stayed);
      pending.cancel();
      pending.cancel();
      assert.equal(await setup.verdict(same), 'permit');
      assert.deepEqual([left.verdicts, stayed.verdicts], [[], ['permit']]);
      pending.cancel();

      const lonely = token({ jti: 'lonely' });
      begin(setup, lonely, left).cancel();
      const entries = setup.authorizer.cacheEntries;
      assert.equal(await setup.verdict(token({ jti: 'later' })), 'permit');
      assert.equal(
        setup.authorizer.cacheEntries,
        entries + 2,
        'verified and kept although no request waited',
      );
      assert.deepEqual(left.verdicts, []);
      assert.notEqual(setup.now(lonely), 'pending');
    });

    test('a waiter may ask again, or cancel another waiter, from within its verdict', async () => {
      const same = token({ jti: 'reentrant' });
      const other = new Waiter();
      const inner = await new Promise<unknown>((resolve) => {
        setup.authorizer.authorize(setup.policy, head(`Bearer ${same}`), {
          onVerdict: () => {
            pending.cancel();
            resolve(setup.now(same));
          },
        });
        const pending = begin(setup, same, other);
      });
      assert.equal((inner as Permit).kind, 'permit');
      assert.deepEqual(other.verdicts, []);
    });

    test('every waiter is counted out once, whether it leaves, is called, or leaves during its call', async () => {
      const same = token({ jti: 'count' });
      const told = await new Promise<number>((resolve) => {
        const pending = setup.authorizer.authorize(setup.policy, head(`Bearer ${same}`), {
          onVerdict: () => {
            (pending as Pending).cancel();
            resolve(setup.authorizer.waiting);
          },
        });
        const leaving = begin(setup, same);
        assert.equal(setup.authorizer.waiting, 2);
        leaving.cancel();
        leaving.cancel();
        assert.equal(setup.authorizer.waiting, 1);
      });
      assert.equal(told, 0);
      assert.equal(setup.authorizer.waiting, 0);
    });

    test('clients that leave in the middle do not harm later ones', async () => {
      for (let round = 0; round < 20; round += 1) {
        for (let n = 0; n < 50; n += 1) begin(setup, token({ jti: `${round}/${n}` })).cancel();
        assert.equal(await setup.verdict(token({ jti: `stays ${round}` })), 'permit');
      }
    });

    test('expires during the wait', async () => {
      const waiter = new Waiter();
      const short = token({ exp: setup.clock.seconds(1) });
      const { now } = setup.clock;
      begin(setup, short, waiter);
      setup.clock.now += 1000;
      assert.equal(await setup.verdict(token({ exp: setup.clock.seconds(60), jti: 'after' })), 'permit');
      setup.clock.now = now;
      assert.deepEqual(waiter.verdicts, ['token_expired expiry']);
    });
  });
}

describe('bounds', () => {
  test('1024 requests may wait for one token', async () => {
    const setup = new Setup({ issuers: [rsa()] });
    const token = rs256(key, setup.claims());
    const waiting = Array.from({ length: 1024 }, () => begin(setup, token));
    assert.equal(await setup.verdict(token), 'verifier_overloaded signature');
    waiting[0]?.cancel();
    const last = setup.verdict(token);
    await setup.authorizer.start();
    assert.equal(await last, 'permit');
    await setup.authorizer.close();
  });

  test('4096 tokens may wait, and 16384 requests; one that leaves makes room', async () => {
    const setup = new Setup({ issuers: [rsa()] });
    const input = rs256(key, setup.claims()).replace(/[^.]*$/, '');
    const token = (n: number): string =>
      `${input}${createHash('sha256').update(String(n)).digest('base64url')}`;
    const waiting: Pending[] = [];
    for (let n = 0; n < 4096; n += 1)
      for (let times = 0; times < 3; times += 1) waiting.push(begin(setup, token(n)));
    assert.equal(setup.authorizer.queueDepth, 4096);
    assert.equal(await setup.verdict(token(4096)), 'verifier_overloaded signature');
    for (let n = 0; n < 4096; n += 1) waiting.push(begin(setup, token(n)));
    assert.equal(await setup.verdict(token(0)), 'verifier_overloaded signature');
    waiting[0]?.cancel();
    begin(setup, token(0));
    assert.equal(await setup.verdict(token(0)), 'verifier_overloaded signature');
    await setup.authorizer.close();
  });

  test('waiting requests get a verdict when the authorizer closes', async () => {
    const setup = new Setup({ issuers: [rsa()] });
    const waiter = new Waiter();
    begin(setup, rs256(key, setup.claims()), waiter);
    await setup.authorizer.close();
    assert.deepEqual(waiter.verdicts, ['verifier_overloaded signature']);
    assert.equal(await setup.verdict(rs256(key, setup.claims())), 'verifier_overloaded signature');
  });

  test('HMAC needs no thread', async () => {
    const setup = new Setup();
    assert.equal(verdictText(setup.now(signToken('HS256', SECRET, setup.claims())) as Permit), 'permit');
    assert.equal(setup.authorizer.queueDepth, 0);
  });
});

describe('keys that change during verification', () => {
  const next = keyPair('RS256');

  async function verdictAfter(
    keys: Parameters<Setup['authorizer']['setKeys']>[1][],
  ): Promise<[string, Setup]> {
    const setup = new Setup({ issuers: [rsa()] });
    await setup.authorizer.start();
    const verdict = setup.verdict(rs256(key, setup.claims()));
    for (const each of keys) setup.authorizer.setKeys('main', each);
    const result = await verdict;
    await setup.authorizer.close();
    return [result, setup];
  }

  test('the same key again: the token is verified once more, then accepted', async () => {
    const [verdict, setup] = await verdictAfter([[publicKey(key, ['RS256'])]]);
    assert.equal(verdict, 'permit');
    assert.equal(setup.counters.verifyBatchSize.sum, 2);
  });

  test('another key: a signature that was good is refused and not kept', async () => {
    const [verdict, setup] = await verdictAfter([[publicKey(next, ['RS256'])]]);
    assert.equal(verdict, 'signature_invalid signature');
    assert.equal(setup.authorizer.cacheEntries, 0);
  });

  test('no key left: the token is refused', async () => {
    assert.equal((await verdictAfter([[]]))[0], 'keys_unavailable signature');
  });

  test('the right key only now: a signature that was bad is accepted', async () => {
    const setup = new Setup({ issuers: [rsa({ keys: [publicKey(next, ['RS256'])] })] });
    await setup.authorizer.start();
    const verdict = setup.verdict(rs256(key, setup.claims()));
    setup.authorizer.setKeys('main', [publicKey(key, ['RS256'])]);
    assert.equal(await verdict, 'permit');
    await setup.authorizer.close();
  });
});

describe('a thread that dies', () => {
  test('loses no request: all get a verdict, and the next ones too', async () => {
    piscinas.clear();
    const setup = new Setup({ issuers: [rsa()], verifiers: 2 });
    await setup.authorizer.start();
    for (let round = 0; round < 3; round += 1) {
      const tokens = Array.from({ length: 200 }, (_, n) =>
        rs256(key, setup.claims({ jti: `${round}/${n}` })),
      );
      const forged = `${tokens[0]?.replace(/[^.]*$/, '')}${tokens[1]?.replace(/^.*\./, '')}`;
      const verdicts = Promise.all([...tokens, forged].map((token) => setup.verdict(token)));
      await new Promise((resolve) => setImmediate(resolve));
      for (const piscina of piscinas) await piscina.threads[0]?.terminate();
      const settled = await verdicts;
      assert.equal(settled.pop(), 'signature_invalid signature', 'a lost batch never turns into a permit');
      assert.deepEqual(new Set(settled), new Set(['permit']));
    }
    await setup.authorizer.close();
    for (const piscina of piscinas) assert.equal(piscina.threads.length, 0);
  });
});

describe('a waiter that throws', () => {
  test('does not keep the verdict from the others, and its error is not swallowed', async (context) => {
    const setup = new Setup({ issuers: [rsa()] });
    const token = rs256(key, setup.claims());
    const uncaught: (() => void)[] = [];
    const error = new Error('broken waiter');
    setup.authorizer.authorize(setup.policy, head(`Bearer ${token}`), {
      onVerdict: () => {
        throw error;
      },
    });
    const verdict = setup.verdict(token);
    const microtask = context.mock.method(globalThis, 'queueMicrotask', (task: () => void) => {
      uncaught.push(task);
    });
    await setup.authorizer.close();
    microtask.mock.restore();
    assert.equal(await verdict, 'verifier_overloaded signature');
    assert.equal(uncaught.length, 1);
    assert.throws(() => uncaught[0]?.(), error);
  });
});
