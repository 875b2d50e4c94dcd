import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshFor } from '../../src/keysets/freshness.ts';
import { refreshDelay, retryDelay } from '../../src/keysets/pace.ts';

const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
for (const [headers, seconds] of [
  [{}, undefined],
  [{ 'cache-control': 'public' }, undefined],
  [{ 'cache-control': 'public, must-revalidate' }, undefined],
  [{ 'cache-control': 'max-age=600' }, 600],
  [{ 'cache-control': 'public, MAX-AGE=600' }, 600],
  [{ 'cache-control': 'private, max-age=600' }, 600],
  [{ 'cache-control': 'max-age=600, s-maxage=5' }, 600],
  [{ 'cache-control': 'max-age=600', age: '500' }, 100],
  [{ 'cache-control': 'max-age=600', age: '5000' }, 0],
  [{ 'cache-control': 'max-age=600, stale-while-revalidate=86400' }, 600],
  [{ 'cache-control': 'max-age=600, stale-if-error=86400' }, 600],
  [{ 'cache-control': 'no-cache' }, 0],
  [{ 'cache-control': 'no-store' }, 0],
  [{ 'cache-control': 'max-age=soon' }, 0],
  [{ 'cache-control': 'max-age=-5' }, 0],
  [{ pragma: 'no-cache' }, 0],
  [{ expires: '0' }, 0],
  [{ date, expires: 'Thu, 01 Jan 2026 00:10:00 GMT' }, 600],
  [{ 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }, undefined],
] as const) {
  test(`a response with ${JSON.stringify(headers)} is fresh for ${seconds ?? 'an unknown time'}`, () => {
    const fresh = freshFor(new Headers(headers as Record<string, string>));
    assert.equal(fresh, seconds === undefined ? undefined : seconds * 1000);
  });
}

test('a refresh comes within the bounds, and varies by a tenth', () => {
  const bounds = { refreshMinMs: 100, refreshMaxMs: 1000 };
  for (const [fresh, wanted] of [
    [undefined, 1000],
    [0, 100],
    [500, 500],
    [Number.POSITIVE_INFINITY, 1000],
  ] as const) {
    for (const [random, factor] of [
      [0, 0.9],
      [0.5, 1],
      [1, 1.1],
    ] as const) {
      assert.ok(Math.abs(refreshDelay(fresh, bounds, random) - wanted * factor) < 1e-9);
    }
  }
});

test('retries double from one second to five minutes, and none comes sooner', () => {
  const earliest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1e6].map((failures) => retryDelay(failures, 0) / 1000);
  assert.deepEqual(earliest, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]);
  assert.equal(retryDelay(1, 1), 1250);
  assert.equal(retryDelay(50, 1), 300_000);
});
