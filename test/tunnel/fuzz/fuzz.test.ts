import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeFrame } from '../../../src/http/websocket/close-frame.ts';
import { keptInputs } from '../../front/node/h1/fuzz/input.ts';
import { examineKept, fuzz } from '../../support/fuzz/fuzz.ts';
import { Random } from '../../support/fuzz/random.ts';
import { rowInputs } from './input.ts';
import { play, type Script } from './play.ts';
import { framesIn } from './reference.ts';
import { judge, tunnels } from './target.ts';

/** Inputs for a run in the suite; `npm run fuzz` makes as many as its time allows. */
const RUNS = 1500;

// Compiled files stand one folder deeper than their sources.
const kept = keptInputs(join(import.meta.dirname, '..', '..', '..', '..', 'test', 'fixtures', 'tunnels'));

test('kept inputs go through tunnels by every rule', async () => {
  assert.ok(kept.length > 20);
  await examineKept(tunnels, kept, { bytes: Buffer.alloc(0) });
});

test('the same seed makes the same inputs, and no tunnel breaks a rule', async () => {
  const first = rowInputs();
  const run = () => fuzz(tunnels, first, 7, (runs) => runs < RUNS);
  const report = await run();
  assert.deepEqual(report.failure, undefined);
  assert.ok(report.runs >= RUNS && report.carried > RUNS / 2 && report.found.length > 20);
  assert.deepEqual((await run()).found, report.found);
});

test('lengths are read exactly, also above 2^53', () => {
  const [small, huge] = ['81056162636465', '827f002000000000000161'].map((hex) => Buffer.from(hex, 'hex'));
  const { boundaries, closeAt } = framesIn(Buffer.concat([small, small, huge] as Buffer[]));
  assert.deepEqual(boundaries, [0, 7, 14]);
  assert.equal(closeAt, Number.POSITIVE_INFINITY);
});

test('a tunnel that breaks a rule is noticed', async () => {
  const fromServer = Buffer.from('\x81\x05hello\x81\x05world', 'latin1');
  const script: Script = {
    fromServer,
    fromClient: Buffer.from('abc'),
    read: 4096,
    ending: 'token_expired',
    endStep: 1_000,
    serverEnds: false,
    clientEnds: false,
    resets: false,
  };
  const played = await play(new Random(1), script);
  assert.equal(judge(script, played), 'token_expired with Close at once');
  const close = closeFrame(1008, 'token_expired');
  for (const wrong of [
    fromServer,
    Buffer.concat([fromServer, close, close]),
    Buffer.concat([fromServer, closeFrame(1001, 'token_expired')]),
    Buffer.concat([fromServer.subarray(0, 7), close, fromServer.subarray(7)]),
    Buffer.concat([close]),
  ]) {
    const client = Object.create(played.client, { written: { value: wrong } }) as typeof played.client;
    assert.throws(() => judge(script, { ...played, client }), { name: 'AssertionError' });
  }
  const silent = { ...script, ending: undefined };
  assert.throws(() => judge(silent, { ...played, endedAt: undefined }), /all bytes of the server/);
});
