import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { WorkerWatch } from '../../src/process/worker-watch.ts';
import { silentLog } from '../support/gateway.ts';

type State = 'starting' | 'serving' | 'draining';

/** @returns which of these workers, each silent for some seconds, one check of the watch kills. */
function killed(
  workers: readonly (readonly [state: State, silentSeconds: number])[],
  isWell = true,
): number[] {
  const kills: number[] = [];
  const living = workers.map(([state, silentSeconds], index) => ({
    state,
    index,
    gather: async () => {},
    channel: { silentSeconds, pid: index, kill: () => kills.push(index) } as never,
  }));
  mock.timers.enable({ apis: ['setInterval'] });
  const watch = new WorkerWatch({ living, isWell }, silentLog, true);
  try {
    watch.start();
    mock.timers.tick(1_000);
  } finally {
    watch.stop();
    mock.timers.reset();
  }
  return kills;
}

describe('the watch', () => {
  test('kills workers that have been silent for 10 s, also those that drain', () => {
    assert.deepEqual(
      killed([
        ['serving', 9],
        ['serving', 10],
        ['draining', 9],
        ['draining', 10],
      ]),
      [1, 3],
    );
  });

  test('gives a worker that starts 60 s', () => {
    assert.deepEqual(
      killed([
        ['starting', 10],
        ['starting', 59],
        ['starting', 60],
      ]),
      [2],
    );
  });

  test('leaves a gateway in which no worker responds to the watchdog of its supervisor', () => {
    assert.deepEqual(killed([['serving', 10]], false), []);
  });
});
