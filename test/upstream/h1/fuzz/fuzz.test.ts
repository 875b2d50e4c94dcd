import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fuzz } from '../../../support/fuzz/fuzz.ts';
import { Random } from '../../../support/fuzz/random.ts';
import { agree } from './agreement.ts';
import { examine } from './examine.ts';
import { keptInputs, rowInputs } from './input.ts';
import { responses } from './target.ts';

/** Inputs for a run in the suite; `npm run fuzz` makes as many as its time allows. */
const RUNS = 3000;

// Compiled files stand one folder deeper than their sources.
const root = join(import.meta.dirname, '..', '..', '..', '..', '..');
const kept = keptInputs(join(root, 'test', 'fixtures', 'responses'));

test('kept inputs keep every rule of the parser, and llhttp understands every carried message', async () => {
  assert.ok(kept.length > 50);
  const random = new Random(1);
  let before: Buffer = Buffer.alloc(0);
  for (const { name, ...input } of kept) {
    try {
      const { outcome } = examine(random, input, before);
      await agree(input, outcome);
    } catch (cause) {
      throw new Error(name, { cause });
    }
    before = input.bytes;
  }
});

test('the same seed makes the same inputs, and none of them breaks a rule', async () => {
  const first = rowInputs();
  const run = () => fuzz(responses, first, 7, (runs) => runs < RUNS);
  const report = await run();
  assert.deepEqual(report.failure, undefined);
  assert.ok(report.runs >= RUNS && report.found.length > 20);
  assert.deepEqual((await run()).found, report.found);
});

test('a message that llhttp reads differently is noticed', async () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\nhi', 'latin1');
  const input = { method: 'GET', bytes } as const;
  const { outcome } = examine(new Random(1), input, bytes);
  assert.equal(await agree(input, outcome), undefined);
  for (const wrong of [
    { status: '201 OK' },
    { headers: 'A: 2' },
    { body: 'ho' },
    { complete: false },
    { excess: 'i' },
  ]) {
    await assert.rejects(agree(input, { ...outcome, ...wrong }), assert.AssertionError);
  }
});
