import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quantile, type Reading, sampleOf } from '../../src/admin/sample.ts';
import { reasons } from '../../src/reasons.ts';
import { FakeView } from './fake-view.ts';

const view = new FakeView();

async function reading(monotonic: number, requests: Record<string, number>): Promise<Reading> {
  const gathered = await view.gather();
  const figures = {
    ...gathered.figures,
    requests: Object.entries(requests).map(([outcome, count]) => ({ route: '/', outcome, count })),
  };
  return { at: 1_000, monotonic, gathered: { ...gathered, figures } };
}

describe('a quantile', () => {
  const bounds = [1, 2, 4];
  test('lies between the bounds of its bucket, by even spread', () => {
    assert.equal(quantile({ bounds, counts: [0, 4, 0, 0], sum: 0 }, 0.5), 1.5);
    assert.equal(quantile({ bounds, counts: [2, 0, 2, 0], sum: 0 }, 0.75), 3);
    assert.equal(quantile({ bounds, counts: [10, 0, 0, 0], sum: 0 }, 0.95), 0.95);
  });
  test('is the last bound above it, and null without observations', () => {
    assert.equal(quantile({ bounds, counts: [0, 0, 0, 3], sum: 0 }, 0.5), 4);
    assert.equal(quantile({ bounds, counts: [0, 0, 0, 0], sum: 0 }, 0.5), null);
  });
});

describe('a sample', () => {
  test('has what happened between two readings', async () => {
    const before = await reading(0, { forwarded: 10, token_missing: 2 });
    const sample = sampleOf(before, await reading(2_000, { forwarded: 17, token_missing: 2, gone: 1 }), view);
    assert.equal(sample.seconds, 2);
    assert.equal(sample.requests, 8);
    assert.deepEqual(sample.outcomes, { forwarded: 7, gone: 1 });
  });

  test('counts nothing for what fell', async () => {
    const sample = sampleOf(
      await reading(0, { forwarded: 10 }),
      await reading(1_000, { forwarded: 4 }),
      view,
    );
    assert.equal(sample.requests, 0);
  });

  test('adds up outcomes beyond the twelve most frequent, and stays below 1 KiB with every word', async () => {
    const words = Object.keys(reasons).sort((one, two) => two.length - one.length);
    const counts = Object.fromEntries(words.map((word, index) => [word, 1_000_000_000 - index]));
    const sample = sampleOf(await reading(0, {}), await reading(1_000, counts), view);
    assert.deepEqual(Object.keys(sample.outcomes), words.slice(0, 12));
    assert.equal(
      sample.requests,
      Object.values(counts).reduce((sum, count) => sum + count, 0),
    );
    assert.ok(JSON.stringify(sample).length <= 1024, JSON.stringify(sample));
  });
});
