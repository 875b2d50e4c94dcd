import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { InlineVerification } from '../../src/auth/verify/inline.ts';
import { VerificationPool } from '../../src/auth/verify/pool.ts';
import { SignatureVerifier } from '../../src/auth/verify/signature.ts';
import type { Verification, VerificationOutcome } from '../../src/auth/verify/verification.ts';
import type { KeyChoice } from '../../src/keys/key.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Turn } from '../../src/lib/turn.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { publicKey } from './support.ts';

const key = keyPair('RS256');
const verificationKey = publicKey(key, ['RS256']);
const choice: KeyChoice = { algorithm: 'RS256', keys: [verificationKey] };
/** Unusable: an RSA key verifies no ES256. */
const misfit: KeyChoice = { algorithm: 'ES256', keys: choice.keys };
const good = rs256(key, { sub: 'a' });
const bad = `${good.slice(0, -9)}AAAAAAAAA`;
/** Jobs that may wait. */
const QUEUE = 4096;

const ways: Readonly<Record<string, (counters: AuthCounters) => Verification>> = {
  'on the event loop': (counters) =>
    new InlineVerification(new SignatureVerifier(), counters, systemClock, new Turn()),
  'on a thread': (counters) => new VerificationPool(1, counters),
  'on two threads': (counters) => new VerificationPool(2, counters),
};

/** Resolves with the outcome; rejects when the job is refused. */
function outcomeOf(verification: Verification, token: string, of = choice): Promise<VerificationOutcome> {
  return new Promise((resolve, reject) => {
    const taken = verification.submit({ token, choice: of, settle: resolve });
    if (!taken) reject(new Error('not taken'));
  });
}

for (const [name, make] of Object.entries(ways)) {
  describe(`verification ${name}`, () => {
    async function open(): Promise<{ verification: Verification; counters: AuthCounters }> {
      const counters = new AuthCounters();
      const verification = make(counters);
      await verification.start();
      return { verification, counters };
    }

    test('distinguishes good signatures from bad ones, and settles no job within submit', async () => {
      const { verification, counters } = await open();
      const outcomes = [good, bad, good, bad].map((token) => outcomeOf(verification, token));
      assert.equal(verification.depth, 4);
      assert.deepEqual(await Promise.all(outcomes), ['valid', 'invalid', 'valid', 'invalid']);
      assert.deepEqual([verification.depth, counters.verifyBatchSize.sum], [0, 4]);
      await verification.close();
    });

    test('accepts jobs before its start', async () => {
      const verification = make(new AuthCounters());
      const outcome = outcomeOf(verification, good);
      await verification.start();
      assert.equal(await outcome, 'valid');
      await verification.close();
    });

    test('verifies with any of the keys, and with no other', async () => {
      const { verification } = await open();
      const others = [keyPair('RS256'), keyPair('RS256')].map((one) => publicKey(one, ['RS256']));
      const both: KeyChoice = { algorithm: 'RS256', keys: [...others, ...choice.keys] };
      const strangers: KeyChoice = { algorithm: 'RS256', keys: others };
      assert.equal(await outcomeOf(verification, good, both), 'valid');
      assert.equal(await outcomeOf(verification, good, strangers), 'invalid');
      assert.equal(await outcomeOf(verification, good, { algorithm: 'RS256', keys: [] }), 'invalid');
      await verification.close();
    });

    test('a key that cannot be used is a failure, not a verdict, and harms no other job', async () => {
      const { verification, counters } = await open();
      const jobs = [outcomeOf(verification, good), outcomeOf(verification, good, misfit)];
      jobs.push(outcomeOf(verification, bad));
      assert.deepEqual(await Promise.all(jobs), ['valid', 'unavailable', 'invalid']);
      assert.ok(counters.verifierFailures.value > 0);
      await verification.close();
    });

    test('keys beyond the capacity are parsed again, with the same outcome', async () => {
      const { verification } = await open();
      verification.keyCapacity = 1;
      // The id names a key: the same material under other names takes other places.
      const named = Array.from({ length: 80 }, (_, at) => ({ ...verificationKey, id: `k${at}` }));
      for (const one of [...named, ...named]) {
        assert.equal(await outcomeOf(verification, good, { algorithm: 'RS256', keys: [one] }), 'valid');
      }
      await verification.close();
    });

    test('the queue is bounded: a job too many is refused and never settled; later there is room', async () => {
      const { verification } = await open();
      const quick = { algorithm: 'RS256', keys: [] };
      let settled = 0;
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          settled += 1;
          if (settled === QUEUE) resolve();
        };
        for (let at = 0; at < QUEUE; at += 1) {
          assert.ok(verification.hasRoom);
          assert.ok(verification.submit({ token: good, choice: quick, settle }));
        }
        assert.deepEqual([verification.depth, verification.hasRoom], [QUEUE, false]);
        const settleMore = (): void => assert.fail('a job that was not taken is settled');
        assert.equal(verification.submit({ token: good, choice: quick, settle: settleMore }), false);
      });
      assert.ok(verification.hasRoom);
      assert.equal(await outcomeOf(verification, good), 'valid');
      assert.equal(settled, QUEUE);
      await verification.close();
    });

    test('closing settles each job once, waiting ones as unavailable, and accepts no more', async () => {
      const { verification } = await open();
      const settled = new Array<number>(500).fill(0);
      const outcomes = new Set<VerificationOutcome>();
      for (const at of settled.keys()) {
        const settle = (outcome: VerificationOutcome): void => {
          settled[at] = (settled[at] as number) + 1;
          outcomes.add(outcome);
        };
        assert.ok(verification.submit({ token: good, choice, settle }));
      }
      await verification.close();
      assert.ok(settled.every((times) => times === 1));
      assert.ok(outcomes.has('unavailable') && !outcomes.has('invalid'));
      assert.deepEqual([verification.depth, verification.hasRoom], [0, false]);
      await assert.rejects(outcomeOf(verification, good), { message: 'not taken' });
    });
  });
}
