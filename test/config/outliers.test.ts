import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf } from './check.ts';
import { assertRefused, upstreamFile, upstreamOf } from './upstream-file.ts';

describe('outliers', () => {
  test('are off without the key, and have a default for each of their keys', () => {
    assert.equal(upstreamOf('').outliers, undefined);
    assert.deepEqual(upstreamOf('outliers: {}').outliers, { failures: 5, ejectionMs: 10_000, most: 0.5 });
    assert.deepEqual(upstreamOf('outliers: { failures: 1, ejection: 100ms, most: 100% }').outliers, {
      failures: 1,
      ejectionMs: 100,
      most: 1,
    });
  });

  test('are refused where a key is wrong', () => {
    assertRefused([
      [
        'outliers: { failures: 0 }',
        /outliers\.failures: is out of range; must be a whole number from 1 to 1000/,
      ],
      ['outliers: { failures: 1001 }', /outliers\.failures: is out of range/],
      [
        'outliers: { ejection: 99ms }',
        /outliers\.ejection: is out of range; must be a duration from 100ms to 1h/,
      ],
      ['outliers: { ejection: 2h }', /outliers\.ejection: is out of range/],
      ['outliers: { most: 0% }', /outliers\.most: is out of range; must be a share from 1% to 100%/],
      ['outliers: { most: 0.5 }', /outliers\.most: is a number; must be a share from 1% to 100%/],
      [
        'outliers: { limit: 5 }',
        /outliers\.limit: is not a known key; must be one of failures, ejection, most/,
      ],
      ['outliers: 5', /outliers: is a number/],
    ]);
  });
});

describe('outliers that never eject a server', () => {
  const warningsOf = (servers: string, outliers: string): readonly string[] =>
    configOf(upstreamFile(`outliers: ${outliers}`, servers)).warnings;

  test('are warned of', () => {
    for (const [servers, outliers, what] of [
      ['http://10.0.0.1', '{}', '50% of one server, rounded down, is none'],
      ['http://10.0.0.1, unix:/b', '{ most: 49% }', '49% of 2 servers, rounded down, is none'],
      ['http://10.0.0.1, { url: http://10.0.0.2, backup: true }', '{}', '50% of one server, rounded'],
    ] as const) {
      const [warning = ''] = warningsOf(servers, outliers);
      assert.match(warning, /upstreams\.app\.outliers: never keep requests away from a server/);
      assert.ok(warning.includes(what), warning);
    }
  });

  test('and no others', () => {
    for (const [servers, outliers] of [
      ['http://10.0.0.1, http://10.0.0.2', '{}'],
      ['http://app.internal', '{}'],
      ['http://10.0.0.1', '{ most: 100% }'],
    ] as const) {
      assert.deepEqual(warningsOf(servers, outliers), []);
    }
  });
});

describe('slowStart', () => {
  test('is a time, and off without the key', () => {
    assert.equal(upstreamOf('').slowStartMs, undefined);
    assert.equal(upstreamOf('slowStart: 10s').slowStartMs, 10_000);
    assertRefused([
      ['slowStart: 50ms', /slowStart: is out of range; must be a duration from 100ms to 1h/],
      ['slowStart: 10', /slowStart: is a number; must be a duration/],
    ]);
  });
});
