import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLimit } from '../../src/limits/connection-limit.ts';
import { silentLog } from '../support/gateway.ts';

test('connections above the limit are refused and counted, and reported every ten seconds at most', () => {
  let now = 0;
  const lines: object[] = [];
  const clock = { wall: () => now, monotonic: () => now };
  const log = { ...silentLog, warn: (fields: object) => lines.push(fields) };
  const connections = new ConnectionLimit(2, clock, log);
  const refuse = (): void => {
    assert.equal(connections.admit(1), false);
    assert.equal(connections.admit(-1), true);
  };
  assert.deepEqual([connections.admit(1), connections.admit(1)], [true, true]);
  for (let at = 0; at < 3; at += 1) refuse();
  assert.deepEqual(lines, [{ limit: 2, refused: 1 }]);
  now = 9_999;
  refuse();
  assert.equal(lines.length, 1);
  now = 10_000;
  refuse();
  assert.deepEqual(lines[1], { limit: 2, refused: 4 });
  assert.deepEqual([connections.open, connections.refused.value], [2, 5]);
  connections.admit(-1);
  assert.equal(connections.admit(1), true);
});
