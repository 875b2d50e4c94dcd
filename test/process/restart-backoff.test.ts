import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RestartBackoff } from '../../src/process/restart-backoff.ts';

describe('workers that end', () => {
  test('are restarted at once when they have served for a while, each time', () => {
    const backoff = new RestartBackoff();
    for (let round = 0; round < 10; round += 1) assert.equal(backoff.after(60, []), 0);
  });

  test('during their start are restarted with growing pauses, up to 5 s, once any has served', () => {
    const backoff = new RestartBackoff();
    const delays = Array.from({ length: 10 }, () => backoff.after(0, [0, 1]));
    assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    assert.equal(backoff.after(1, []), 0);
    assert.equal(backoff.after(0, []), 0);
    assert.equal(backoff.after(0, []), 100);
  });

  test('during their start three times in a row are given up when none has ever served', () => {
    const backoff = new RestartBackoff();
    assert.deepEqual(
      [0, 0.5, 0.9].map((served) => backoff.after(served, [0.2])),
      [0, 100, undefined],
    );
    assert.equal(backoff.after(0, [1]), 400, 'another has served meanwhile');
  });

  test('are not restarted any more when all stops', async () => {
    const backoff = new RestartBackoff();
    let waited = false;
    void backoff.wait(0).then(() => {
      waited = true;
    });
    backoff.stop();
    // A later timer of a longer time: the stopped one would have fired before it.
    await new RestartBackoff().wait(2);
    assert.equal(waited, false);
  });
});
