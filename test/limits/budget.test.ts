import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Budget } from '../../src/limits/budget.ts';

const MIB = 1024 * 1024;

let asked: (number | undefined)[];
let ready: number;
const onReady = (): void => {
  ready += 1;
};
const shared = (bytes: number): Budget => new Budget(bytes, (wanted) => asked.push(wanted));

beforeEach(() => {
  asked = [];
  ready = 0;
});

describe('room for a large body', () => {
  test('is present when it fits, or when no other process has a share', () => {
    assert.equal(shared(10).prepare(10, onReady), true);
    assert.equal(new Budget(10).prepare(1000, onReady), true);
    assert.deepEqual([asked, ready], [[], 0]);
  });

  test('is requested as far as it is missing, and awaited', () => {
    const budget = shared(100);
    assert.equal(budget.take(30), true);
    assert.equal(budget.prepare(90, onReady), false);
    assert.deepEqual([asked, ready], [[20], 0]);
    budget.raise(20);
    assert.deepEqual([asked, ready], [[20], 1]);
    assert.equal(budget.take(90), true);
  });

  test('is requested again while others give, four times at most', () => {
    const budget = shared(100);
    budget.prepare(1000, onReady);
    for (const amount of [400, 200, 100]) budget.raise(amount);
    assert.deepEqual([asked, ready], [[900, 500, 300, 200], 0]);
    budget.raise(50);
    assert.deepEqual([asked.length, ready], [4, 1]);
  });

  test('is not awaited when others give nothing', () => {
    const budget = shared(100);
    budget.prepare(1000, onReady);
    budget.raise(0);
    assert.deepEqual([asked, ready], [[900], 1]);
    budget.raise(0);
    assert.equal(ready, 1);
  });

  test('is awaited by several bodies at once', () => {
    const budget = shared(100);
    budget.prepare(300, onReady);
    budget.prepare(200, onReady);
    budget.raise(100);
    assert.equal(ready, 1);
    budget.raise(100);
    assert.equal(ready, 2);
  });

  test('is not awaited without end', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const budget = shared(100);
    budget.prepare(1000, onReady);
    context.mock.timers.tick(199);
    assert.equal(ready, 0);
    context.mock.timers.tick(1);
    assert.equal(ready, 1);
    budget.raise(50);
    assert.equal(ready, 1);
  });
});

describe('the share given away', () => {
  test('is half of the unused part', () => {
    const budget = shared(100 * MIB);
    budget.take(20 * MIB);
    assert.deepEqual([budget.lower(1000 * MIB), budget.limit], [40 * MIB, 60 * MIB]);
    assert.equal(budget.lower(MIB), MIB);
  });

  test('is never the last 8 MiB, or of a small share the last quarter', () => {
    for (const [bytes, keep] of [
      [100 * MIB, 8 * MIB],
      [4 * MIB, MIB],
    ] as const) {
      const budget = shared(bytes);
      for (let turn = 0; turn < 40; turn += 1) budget.lower(bytes);
      assert.equal(budget.limit, keep);
    }
  });
});

test('a budget that is dealt again has its first share, and what is taken stays taken', () => {
  const budget = shared(100);
  budget.raise(50);
  assert.equal(budget.take(120), true);
  budget.reset();
  assert.deepEqual([budget.limit, budget.used, budget.take(1)], [100, 120, false]);
  budget.giveBack(120);
  budget.lower(40);
  budget.reset();
  assert.equal(budget.take(100), true);
});
