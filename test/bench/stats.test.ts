import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatencyHistogram, ratioOf, spreadOf } from '../../bench/stats.ts';

describe('spread', () => {
  it('is the middle value and the extremes, in any order', () => {
    assert.deepEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 });
    assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 });
  });

  it('takes the mean of the two middle values of an even count', () => {
    assert.deepEqual(spreadOf([4, 1, 3, 100]), { median: 3.5, min: 1, max: 100 });
  });

  it('sorts by number, not by text', () => {
    assert.equal(spreadOf([9, 10, 100]).median, 10);
  });

  it('of nothing is an error', () => {
    assert.throws(() => spreadOf([]), RangeError);
  });
});

describe('ratio', () => {
  it('is taken round by round and then summarised', () => {
    // The second round was twice as slow for both: it leaves no trace.
    assert.deepEqual(ratioOf([10, 20, 12], [20, 40, 20]), { median: 0.5, min: 0.5, max: 0.6 });
  });

  it('leaves out rounds in which either side does not count', () => {
    assert.deepEqual(ratioOf([10, undefined, 30], [10, 10, undefined]), { median: 1, min: 1, max: 1 });
    assert.equal(ratioOf([1], [undefined]), undefined);
    assert.equal(ratioOf([1], [0]), undefined);
  });
});

describe('latency histogram', () => {
  it('gives quantiles in milliseconds', () => {
    const histogram = new LatencyHistogram();
    for (let value = 1; value <= 1000; value += 1) histogram.record(value - 0.5);
    assert.equal(histogram.quantile(0.5), 499.51);
    assert.equal(histogram.quantile(0.999), 998.51);
    assert.equal(histogram.quantile(1), 999.51);
  });

  it('is 0 without records, and keeps what is slower than its last bucket', () => {
    const histogram = new LatencyHistogram();
    assert.equal(histogram.quantile(0.99), 0);
    histogram.record(60_000);
    assert.equal(histogram.quantile(0.5), 10_000);
  });

  it('is never off by more than a bucket', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9_000, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const sorted = [...values].sort((left, right) => left - right);
          const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
          const error = histogram.quantile(share) - exact;
          assert.ok(error >= -1e-6 && error <= 0.01 + 1e-6, `${error}`);
        },
      ),
      { numRuns: 20 },
    );
  });
});
