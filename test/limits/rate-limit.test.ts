import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RateLimit, type RateTerms } from '../../src/limits/rate-limit.ts';
import { RateTable } from '../../src/limits/rate-table.ts';

const limit = (terms: Partial<RateTerms> = {}, processes = 1): RateLimit =>
  new RateLimit({ name: 'one', amount: 10, periodMs: 1000, burst: 3, keys: 1000, ...terms }, processes);

/** How many of `count` requests of a key may come at `now`. */
function letIn(its: RateLimit, key: number, now: number, count: number): number {
  let passed = 0;
  for (let asked = 0; asked < count; asked += 1) {
    if (its.wait(key, now, 1) > 0) continue;
    its.take(key, now, 1);
    passed += 1;
  }
  return passed;
}

describe('a limit on the rate', () => {
  test('lets a burst in, then one request for each gap, and says how long to wait', () => {
    const its = limit();
    assert.equal(letIn(its, 7, 1000, 5), 3);
    assert.equal(its.wait(7, 1000, 1), 100);
    assert.equal(its.wait(7, 1040, 1), 60);
    assert.equal(letIn(its, 7, 1100, 5), 1);
    assert.equal(letIn(its, 7, 1250, 5), 1);
    assert.equal(letIn(its, 7, 9000, 5), 3, 'a pause brings no more than the burst back');
    assert.equal(letIn(its, 8, 9000, 5), 3, 'another key has its own count');
  });

  test('never lets more in than the burst and the rate allow, whatever comes when', () => {
    const steps = fc.array(fc.tuple(fc.nat(400), fc.nat(4), fc.integer({ min: 1, max: 3 })), {
      maxLength: 80,
    });
    const property = fc.property(steps, (all) => {
      const its = limit();
      const came: { at: number; key: number }[] = [];
      let now = 5000;
      for (const [pause, count, key] of all) {
        now += pause;
        for (let one = letIn(its, key, now, count); one > 0; one -= 1) came.push({ at: now, key });
      }
      for (const [index, first] of came.entries()) {
        const later = came.slice(index).filter(({ key }) => key === first.key);
        for (const [n, { at }] of later.entries()) assert.ok(n + 1 <= 3 + (at - first.at) / 100 + 0.01);
      }
    });
    fc.assert(property);
  });

  test('counts what others have let in, also beyond the burst', () => {
    const its = limit();
    its.add({ limit: 'one', keys: Float64Array.of(7), amounts: Float64Array.of(5) }, 1000);
    assert.equal(its.wait(7, 1000, 1), 300);
    assert.equal(letIn(its, 7, 1300, 4), 1);
  });

  test('tells others of a key once it has used its part, and of nothing twice', () => {
    const its = limit({ burst: 80 }, 2); // 5 % of 80, in two parts.
    assert.equal(its.take(7, 0, 1), undefined);
    assert.equal(its.collect(), undefined);
    assert.equal(its.take(7, 0, 1), 'later');
    assert.equal(its.take(7, 0, 1), 'later');
    const told = its.collect();
    assert.deepEqual([[...(told?.keys ?? [])], [...(told?.amounts ?? [])]], [[7], [3]]);
    assert.equal(its.collect(), undefined);
    const urgencies = Array.from({ length: 10 }, () => its.take(7, 0, 1));
    assert.equal(urgencies.at(-2), 'later');
    assert.equal(urgencies.at(-1), 'now', 'an eighth of the burst');
  });

  test('gives a process that begins what every key has used', () => {
    const [old, fresh] = [limit(), limit()];
    letIn(old, 7, 1000, 3);
    letIn(old, 8, 1000, 1);
    fresh.add(old.snapshot(1050), 9050);
    assert.equal(fresh.wait(7, 9050, 1), old.wait(7, 1050, 1));
    assert.equal(letIn(fresh, 8, 9050, 5), 2);
    assert.equal(old.snapshot(2000).keys.length, 0, 'a key that has used nothing');
  });
});

describe('the counts of keys', () => {
  test('are as many as allowed, and a flood of keys frees none that is at its limit', () => {
    const its = limit({ keys: 1000, burst: 3 });
    assert.equal(letIn(its, 1, 1000, 5), 3);
    for (let key = 2; key < 20_000; key += 1) its.take(key * 7919, 1000, 1);
    assert.equal(its.table.size, 1000);
    assert.equal(letIn(its, 1, 1000, 5), 0);
  });

  test('are not gained by a key that was forgotten: it begins where the forgotten have been', () => {
    const its = limit({ keys: 1000, burst: 3 });
    for (let key = 1; key <= 4000; key += 1) assert.ok(letIn(its, key, 1000, 3) <= 3);
    for (let key = 1; key <= 4000; key += 1) assert.equal(letIn(its, key, 1000, 3), 0);
    assert.ok(letIn(its, 1, 1300, 9) <= 3);
  });

  test('of keys that have used nothing make room at no cost', () => {
    const its = limit({ keys: 1000, burst: 3 });
    for (let key = 1; key <= 1000; key += 1) its.take(key, 1000, 1);
    for (let key = 1001; key <= 2000; key += 1) assert.equal(letIn(its, key, 1100, 9), 3);
  });

  test('are those of a map, after any changes', () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 9 })), {
      minLength: 1500,
      maxLength: 4000,
    });
    const property = fc.property(changes, (all) => {
      const table = new RateTable(10_000);
      const model = new Map<number, number>();
      // Keys that share slots.
      for (const [key, until] of all) {
        table.set(key * 1024, until, 1, 0);
        model.set(key * 1024, until);
      }
      assert.equal(table.size, model.size);
      for (const [key, until] of model) assert.equal(table.until(key, 0), until);
    });
    fc.assert(property, { numRuns: 10 });
  });
});
