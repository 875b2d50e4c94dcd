import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Calendar } from '../../src/tunnel/calendar.ts';

test('a thing is due in its second, once, and not before', () => {
  const calendar = new Calendar<string>(100);
  calendar.set('a', 102);
  calendar.set('b', 102.4);
  calendar.set('c', 90);
  assert.deepEqual(calendar.take(100.9), ['c'], 'what is over is due at once');
  assert.deepEqual(calendar.take(101.9), []);
  assert.deepEqual(calendar.take(102), ['a']);
  assert.deepEqual(calendar.take(103), ['b']);
  assert.deepEqual(calendar.take(200), []);
});

test('a thing can be moved, and removed', () => {
  const calendar = new Calendar<string>(0);
  calendar.set('a', 5);
  calendar.set('a', 7);
  calendar.set('b', 5);
  calendar.delete('b');
  assert.deepEqual(calendar.take(6), []);
  assert.deepEqual(calendar.take(7), ['a']);
});

test('a clock that jumps forward finds all that is due, and one that is set back hides nothing', () => {
  const calendar = new Calendar<string>(0);
  calendar.set('a', 10);
  calendar.set('b', 1_000_000);
  assert.deepEqual(calendar.take(2_000_000), ['a', 'b']);
  assert.deepEqual(calendar.take(1_000), []);
  calendar.set('c', 1_005);
  assert.deepEqual(calendar.take(1_004), []);
  assert.deepEqual(calendar.take(1_005), ['c']);
});

test('a hundred thousand things with ends of their own are each due in their second', () => {
  const calendar = new Calendar<number>(0);
  for (let thing = 0; thing < 100_000; thing += 1) calendar.set(thing, thing % 3_000);
  let seen = 0;
  for (let second = 0; second < 3_000; second += 1) {
    const due = calendar.take(second);
    assert.ok(due.every((thing) => thing % 3_000 === second));
    seen += due.length;
  }
  assert.equal(seen, 100_000);
});
