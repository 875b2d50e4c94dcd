import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { InlineVerification } from '../../src/auth/verify/inline.ts';
import { SignatureVerifier } from '../../src/auth/verify/signature.ts';
import type { VerificationJob, VerificationOutcome } from '../../src/auth/verify/verification.ts';
import { Turn } from '../../src/lib/turn.ts';
import { keyPair, rs256 } from '../support/tokens.ts';
import { publicKey } from './support.ts';

const key = keyPair('RS256');
const choice = { algorithm: 'RS256', keys: [publicKey(key, ['RS256'])] };
const good = rs256(key, { sub: 'a' });
const bad = `${good.slice(0, -9)}AAAAAAAAA`;

/** Verification on a clock that advances by `step` milliseconds at each reading. */
function inline(step: number) {
  let now = 0;
  const clock = {
    wall: () => 0,
    monotonic: () => {
      now += step;
      return now;
    },
  };
  const counters = new AuthCounters();
  const turn = new Turn();
  return {
    counters,
    turn,
    verification: new InlineVerification(new SignatureVerifier(), counters, clock, turn),
  };
}

test('good and bad signatures are distinguished, and no verdict comes from within submit', async () => {
  const { verification, counters } = inline(0);
  await verification.start();
  const outcomes: VerificationOutcome[] = [];
  for (const token of [good, bad, good]) {
    assert.ok(verification.submit({ token, choice, settle: (outcome) => outcomes.push(outcome) }));
  }
  assert.deepEqual([outcomes.length, verification.depth], [0, 3]);
  await turnEnds();
  assert.deepEqual(outcomes, ['valid', 'invalid', 'valid']);
  assert.deepEqual([verification.depth, counters.verifyBatchSize.sum], [0, 3]);
});

test('a slow slice gives everything else a turn', async () => {
  const { verification } = inline(1);
  const events: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    verification.submit({ token: good, choice, settle: () => events.push(name) });
  }
  for (let turn = 1; turn <= 3; turn += 1) {
    await turnEnds();
    events.push(`turn ${turn}`);
  }
  assert.deepEqual(events, ['a', 'turn 1', 'b', 'turn 2', 'c', 'turn 3']);
});

test('slices are shorter while other work waits, and shortest in a flood', async () => {
  const { turn, verification } = inline(1 / 16);
  let settled = 0;
  const submit = (count: number): void => {
    const settle = (): void => {
      settled += 1;
    };
    const job = { token: good, choice, settle };
    for (let n = 0; n < count; n += 1) verification.submit(job);
  };
  /** The number of jobs that one turn verifies. */
  const slice = async (): Promise<number> => {
    const before = settled;
    await turnEnds();
    return settled - before;
  };
  submit(32);
  assert.equal(await slice(), 16);
  turn.atEnd(() => {});
  assert.equal(await slice(), 4);
  assert.equal(await slice(), 4, 'for a while behind that, too');
  submit(130);
  assert.equal(await slice(), 2);
  await verification.close();
});

test('the queue is bounded, and has room again when it is empty', async () => {
  const { verification } = inline(0);
  const unusable = { algorithm: 'RS256', keys: [] };
  const settle = (): void => {};
  const job = { token: good, choice: unusable, settle };
  for (let n = 0; n < 4096; n += 1) assert.ok(verification.submit(job));
  assert.equal(verification.submit(job), false);
  await turnEnds();
  assert.equal(verification.depth, 0);
  assert.ok(verification.submit(job));
  await verification.close();
});

test('a queue that is never empty keeps no token that has been verified', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { verification } = inline(1);
  const done: WeakRef<VerificationJob>[] = [];
  const submit = (): void => {
    const job: VerificationJob = { token: good, choice, settle: () => done.push(new WeakRef(job)) };
    verification.submit(job);
  };
  for (let n = 0; n < 3; n += 1) submit();
  // In each turn one job is verified and another one is added.
  for (let turn = 0; turn < 50; turn += 1) {
    await turnEnds();
    submit();
  }
  assert.equal(verification.depth, 3);
  assert.ok(done.length >= 50);
  collect();
  assert.ok(done.filter((job) => job.deref() !== undefined).length < 5);
  await verification.close();
});

test('a key that cannot be used is a fault of the gateway and no verdict', async () => {
  const { verification, counters } = inline(0);
  const misfit = { algorithm: 'ES256', keys: choice.keys };
  const outcome = await new Promise<VerificationOutcome>((settle) => {
    verification.submit({ token: good, choice: misfit, settle });
  });
  assert.deepEqual([outcome, counters.verifierFailures.value], ['unavailable', 1]);
});

test('closing settles all waiting jobs and accepts no more', async () => {
  const { verification } = inline(0);
  const outcomes: VerificationOutcome[] = [];
  const job = { token: good, choice, settle: (outcome: VerificationOutcome) => void outcomes.push(outcome) };
  verification.submit(job);
  await verification.close();
  assert.deepEqual(outcomes, ['unavailable']);
  assert.equal(verification.submit(job), false);
  await turnEnds();
  assert.equal(outcomes.length, 1);
});
