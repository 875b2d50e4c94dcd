import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { ProcessWatch } from '../../src/lib/process-figures.ts';

test('the longest delay of the event loop is told to every reader for half a minute, at least, and not for good', () => {
  let now = 0;
  const clock = mock.method(systemClock, 'monotonic', () => now);
  mock.timers.enable({ apis: ['setInterval'] });
  const watch = new ProcessWatch();
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    mock.timers.tick(500);
  };
  try {
    pass(2_500);
    assert.equal(watch.read().loopDelaySeconds, 2);
    assert.equal(watch.read().loopDelaySeconds, 2);
    for (let count = 0; count < 60; count += 1) pass(500);
    assert.equal(watch.read().loopDelaySeconds, 2);
    for (let count = 0; count < 60; count += 1) pass(500);
    assert.equal(watch.read().loopDelaySeconds, 0);
  } finally {
    watch.close();
    mock.timers.reset();
    clock.mock.restore();
  }
});
