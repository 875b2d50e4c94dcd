import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { examineKept, fuzz } from '../../../../support/fuzz/fuzz.ts';
import { keptInputs, rowInputs } from './input.ts';
import { connections } from './target.ts';

/** Inputs for a run in the suite; `npm run fuzz` makes as many as its time allows. */
const RUNS = 3000;

// Compiled files stand one folder deeper than their sources.
const root = join(import.meta.dirname, '..', '..', '..', '..', '..', '..');
const kept = keptInputs(join(root, 'test', 'fixtures', 'connections'));

test('kept inputs keep every rule of the connection, and nghttp2 reads whole requests in the same way', async () => {
  assert.ok(kept.length > 20);
  await examineKept(connections, kept, { bytes: Buffer.alloc(0) });
});

test('the same seed makes the same inputs, and none of them breaks a rule', async () => {
  const first = rowInputs();
  const run = () => fuzz(connections, first, 7, (runs) => runs < RUNS);
  const report = await run();
  assert.deepEqual(report.failure, undefined);
  assert.ok(report.runs >= RUNS && report.carried > 40 && report.found.length > 10);
  assert.deepEqual((await run()).found, report.found);
});
