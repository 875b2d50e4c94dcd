import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Place, WaitingLine } from '../../src/upstream/waiting-line.ts';

/** All waiters in order; each place must know its neighbours. */
function waiters(line: WaitingLine<number>): number[] {
  const seen: number[] = [];
  let last: Place<number> | undefined;
  for (let place = line.first; place !== undefined; place = place.behind) {
    assert.equal(place.ahead, last);
    seen.push(place.waiter);
    last = place;
  }
  assert.equal(seen.length, line.size);
  return seen;
}

test('waiters stand in order of arrival, and may leave from anywhere', () => {
  for (const leaving of [[0], [1], [2], [0, 2], [2, 0], [1, 0], [0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
    const line = new WaitingLine<number>();
    const places = [0, 1, 2].map((waiter) => line.add(waiter, waiter));
    for (const one of leaving) line.remove(places[one] as Place<number>);
    assert.deepEqual(
      waiters(line),
      [0, 1, 2].filter((one) => !leaving.includes(one)),
    );
    line.add(3, 3);
    assert.equal(waiters(line).at(-1), 3);
    assert.equal(
      line.first?.waiter,
      [0, 1, 2, 3].find((one) => !leaving.includes(one)),
    );
  }
});

test('any order of arrivals and departures gives the order of an array', () => {
  const line = new WaitingLine<number>();
  const places: Place<number>[] = [];
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  for (let step = 0; step < 2_000; step += 1) {
    if (places.length === 0 || random(5) < 3) places.push(line.add(step, step));
    else line.remove(places.splice(random(2) === 0 ? 0 : random(places.length), 1)[0] as Place<number>);
    if (step % 50 === 0) {
      assert.deepEqual(
        waiters(line),
        places.map(({ waiter }) => waiter),
      );
    }
  }
});
