// Source: an adversarial review: files with 1,000 unknown keys, 20,000 aliases or 209,000 repeated keys kept a reload busy for minutes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultsOf } from '../config/check.ts';
import { faultyTexts, routes } from './faulty-texts.ts';

/** Milliseconds of CPU for a check, which needs a tenth; the time of other programs on this machine does not count. */
const CPU_MS = 5000;

/** Lines of a check that is cut: the faults shown, and that there are more. */
const MOST_LINES = 201;

/** The faults of a file, found in little time. */
function faultsInTime(text: string): readonly string[] {
  const before = process.cpuUsage();
  const faults = faultsOf(text);
  const { user, system } = process.cpuUsage(before);
  const milliseconds = (user + system) / 1000;
  assert.ok(milliseconds < CPU_MS, `took ${milliseconds} ms`);
  return faults;
}

describe('a faulty file gets a short report in little time', () => {
  for (const [what, text, first] of faultyTexts) {
    test(what, () => {
      const faults = faultsInTime(text);
      assert.match(faults.join('\n').slice(0, 5000), first);
      assert.ok(faults.length <= MOST_LINES, `${faults.length} lines`);
    });
  }

  test('a large file without a fault is valid as before', () => {
    assert.deepEqual(faultsInTime(routes(3000, 'auth: none, forward: { token: keep }')), []);
  });
});
