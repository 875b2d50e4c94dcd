import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mutex } from '../../src/lib/mutex.ts';

test('a mutex runs one piece of work at a time, in order, also after one that fails', async () => {
  const mutex = new Mutex();
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${name} ends`);
    return name;
  };
  const first = mutex.run(work('a'));
  const failing = mutex.run(async () => {
    await work('b')();
    throw new Error('b failed');
  });
  const last = mutex.run(work('c'));
  await assert.rejects(failing, /b failed/);
  assert.deepEqual([await first, await last], ['a', 'c']);
  assert.deepEqual(
    seen,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('a mutex that was acquired holds work back until it is released', async () => {
  const mutex = new Mutex();
  const seen: string[] = [];
  const release = await mutex.acquire();
  const work = mutex.run(async () => void seen.push('work'));
  const next = mutex.acquire();
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(seen.length, 0);
  release();
  release();
  await work;
  (await next)();
  await mutex.run(async () => void seen.push('more'));
  assert.deepEqual(seen, ['work', 'more']);
});
