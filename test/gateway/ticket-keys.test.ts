import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TicketKeys } from '../../src/gateway/ticket-keys.ts';

test('the key of session tickets changes every twelve hours, until it is closed', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const changes: Uint8Array[] = [];
  const keys = new TicketKeys((next) => void changes.push(next));
  const first = keys.current;
  assert.equal(first.length, 48);
  t.mock.timers.tick(12 * 60 * 60_000 - 1);
  assert.deepEqual([changes, keys.current], [[], first]);
  t.mock.timers.tick(1);
  assert.deepEqual(changes, [keys.current]);
  assert.notDeepEqual(keys.current, first);
  t.mock.timers.tick(12 * 60 * 60_000);
  assert.equal(changes.length, 2);
  assert.notDeepEqual(changes[0], changes[1]);
  keys.close();
  t.mock.timers.tick(24 * 60 * 60_000);
  assert.equal(changes.length, 2);
});
