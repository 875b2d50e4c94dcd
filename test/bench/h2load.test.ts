import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLog } from '../../bench/load/h2load.ts';
import { LatencyHistogram } from '../../bench/stats.ts';

describe('the log of h2load', () => {
  it('counts the expected statuses, and records the latencies of these alone', () => {
    const latencies = new LatencyHistogram();
    const text = '1700000000000001\t200\t1500\n1700000000000002\t503\t90000\n1700000000000003\t200\t2500\n';
    assert.equal(readLog(text, [200], latencies), 2);
    const { p50, p999 } = latencies.summary();
    assert.ok(p50 > 1 && p999 < 3, `${p50} ${p999}`);
    assert.equal(readLog(text, [401, 403], new LatencyHistogram()), 0);
  });

  it('has no response in a line that was cut off', () => {
    assert.equal(readLog('17000000', [200], new LatencyHistogram()), 0);
    assert.equal(readLog('', [200], new LatencyHistogram()), 0);
  });
});
