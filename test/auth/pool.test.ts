import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { AuthCounters } from '../../src/auth/auth-counters.ts';
import { VerificationPool } from '../../src/auth/verify/pool.ts';
import type { VerificationOutcome } from '../../src/auth/verify/verification.ts';
import { piscinas } from './piscinas.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const crashing = new URL(`./crashing-worker${extension}`, import.meta.url);
const choice = { algorithm: 'RS256', keys: [] };

function submit(pool: VerificationPool, token: string): Promise<VerificationOutcome | 'full'> {
  return new Promise((resolve) => {
    if (!pool.submit({ token, choice, settle: resolve })) resolve('full');
  });
}

async function withPool(
  threads: number,
  use: (pool: VerificationPool, counters: AuthCounters) => Promise<void>,
): Promise<void> {
  const counters = new AuthCounters();
  const pool = new VerificationPool(threads, counters, crashing);
  piscinas.clear();
  await pool.start();
  try {
    await use(pool, counters);
  } finally {
    await pool.close();
    for (const piscina of piscinas) assert.equal(piscina.threads.length, 0, 'no thread is left');
  }
}

const threads = () => [...piscinas].flatMap((piscina) => piscina.threads);
const all = (pool: VerificationPool, tokens: readonly string[]) =>
  Promise.all(tokens.map((token) => submit(pool, token)));

describe('batches', () => {
  test('the jobs of one turn travel together, a single one at once', async () => {
    await withPool(1, async (pool, { verifyBatchSize }) => {
      assert.deepEqual(await all(pool, ['good', 'bad', 'good']), ['valid', 'invalid', 'valid']);
      assert.deepEqual([verifyBatchSize.counts.reduce((a, b) => a + b), verifyBatchSize.sum], [1, 3]);
      assert.equal(await submit(pool, 'good'), 'valid');
      assert.deepEqual([verifyBatchSize.counts.reduce((a, b) => a + b), verifyBatchSize.sum], [2, 4]);
    });
  });

  test('no batch holds more than 64, and threads share large batches', async () => {
    await withPool(2, async (pool, { verifyBatchSize }) => {
      const outcomes = await all(pool, new Array(1000).fill('good'));
      assert.ok(outcomes.every((outcome) => outcome === 'valid'));
      assert.equal(verifyBatchSize.sum, 1000);
      assert.equal(verifyBatchSize.counts.at(-1), 0);
      const before = verifyBatchSize.counts.reduce((a, b) => a + b);
      await all(pool, new Array(40).fill('good'));
      assert.equal(
        verifyBatchSize.counts.reduce((a, b) => a + b),
        before + 2,
      );
    });
  });

  test('4096 jobs may wait; the next one is refused, and room comes back', async () => {
    await withPool(1, async (pool) => {
      const outcomes = all(pool, new Array(4097).fill('good'));
      assert.equal(pool.depth, 4096);
      const settled = await outcomes;
      assert.equal(settled.filter((outcome) => outcome === 'full').length, 1);
      assert.equal(settled.at(-1), 'full');
      assert.equal(pool.depth, 0);
      assert.equal(await submit(pool, 'good'), 'valid');
    });
  });

  test('jobs submitted before the start wait for it', async () => {
    const pool = new VerificationPool(1, new AuthCounters(), crashing);
    const outcome = submit(pool, 'good');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(pool.depth, 1);
    await pool.start();
    assert.equal(await outcome, 'valid');
    await pool.close();
  });
});

describe('failures', () => {
  for (const order of ['exit', 'throw', 'reject', 'short']) {
    test(`a batch with one ${order}: its neighbours get a verdict, it does not`, async () => {
      await withPool(1, async (pool, counters) => {
        const outcomes = await all(pool, ['good', order, 'bad', 'good']);
        assert.deepEqual(outcomes, ['valid', 'unavailable', 'invalid', 'valid']);
        assert.equal(counters.verifierFailures.value, 2, 'the batch and the token alone');
        assert.equal(await submit(pool, 'good'), 'valid');
      });
    });
  }

  test('a retried token is alone: no other job can fail with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    try {
      const log = join(folder, 'log');
      await withPool(2, async (pool) => {
        const tokens = [...new Array(200).fill('good'), 'exit', ...new Array(200).fill(`log:${log}`), 'exit'];
        const outcomes = await all(pool, tokens);
        assert.equal(outcomes.filter((outcome) => outcome === 'unavailable').length, 2);
        assert.equal(outcomes.filter((outcome) => outcome === 'valid').length, 400);
        const batches = readFileSync(log, 'utf8').split('\n');
        assert.ok(batches.includes(`log:${log}`), 'at least one was tried alone');
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const count of [1, 2]) {
    test(`one of ${count} threads is terminated, at work or idle: it is replaced and no job is lost`, async () => {
      await withPool(count, async (pool) => {
        for (let round = 0; round < 4; round += 1) {
          const outcomes = all(pool, new Array(300).fill('good'));
          if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
          else await outcomes;
          await threads()[0]?.terminate();
          assert.ok((await outcomes).every((outcome) => outcome === 'valid'));
        }
        assert.equal(await submit(pool, 'good'), 'valid');
      });
    });
  }

  test('threads that die during their start do not leave jobs waiting for ever', async () => {
    await withPool(1, async (pool) => {
      const [thread] = threads();
      assert.ok(thread);
      const ended = once(thread, 'exit');
      await thread.terminate();
      await ended;
      const [replacement] = threads();
      assert.ok(replacement && replacement !== thread);
      // The replacement is not ready yet, so the job waits inside piscina when it dies.
      const outcome = submit(pool, 'good');
      await new Promise((resolve) => setImmediate(resolve));
      await replacement.terminate();
      assert.equal(await outcome, 'valid');
      assert.equal(await submit(pool, 'good'), 'valid');
      assert.equal(threads().length, 1);
    });
  });

  test('a module that cannot be loaded fails the start with one sentence and leaves no thread', async () => {
    piscinas.clear();
    const pool = new VerificationPool(
      2,
      new AuthCounters(),
      new URL(`./missing${extension}`, import.meta.url),
    );
    await assert.rejects(pool.start(), { message: 'the verification threads did not start' });
    assert.equal(threads().length, 0);
    assert.equal(await submit(pool, 'good'), 'full');
  });

  test('closing settles all waiting jobs', async () => {
    piscinas.clear();
    const pool = new VerificationPool(1, new AuthCounters(), crashing);
    await pool.start();
    const outcomes = all(pool, new Array(1000).fill('good'));
    await new Promise((resolve) => setImmediate(resolve));
    await pool.close();
    const settled = await outcomes;
    assert.ok(settled.includes('unavailable'));
    assert.ok(!settled.includes('invalid'));
    assert.equal(threads().length, 0);
  });
});
