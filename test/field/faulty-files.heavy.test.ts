// Source: an adversarial review: files with 1,000 unknown keys, 20,000 aliases or 209,000 repeated keys kept a reload busy for minutes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultsOf } from '../config/check.ts';
import { faultyTexts, routes } from './faulty-texts.ts';

/** Milliseconds of CPU for a check, which takes a tenth; the time that others take on this machine does not count. */
const CPU_MS = 5000;

describe('the faults of a file are found in little time', () => {
  for (const [what, text] of [
    ...faultyTexts,
    ['a large file without a fault', routes(3000, 'auth: none, forward: { token: keep }')],
  ] as const) {
    test(what, () => {
      const before = process.cpuUsage();
      faultsOf(text);
      const { user, system } = process.cpuUsage(before);
      const milliseconds = (user + system) / 1000;
      assert.ok(milliseconds < CPU_MS, `took ${milliseconds} ms`);
    });
  }
});
