import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { Handshakes } from '../../../../src/front/node/tls/handshakes.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { CounterFamily } from '../../../../src/lib/counters.ts';

function counted(counts: CounterFamily): object {
  return Object.fromEntries(Array.from(counts.members, ([result, { value }]) => [result, value]));
}

test('a handshake that takes too long is cut, and each is lost once', async () => {
  const counts = new CounterFamily();
  const handshakes = new Handshakes(counts);
  const sockets = [new Socket(), new Socket()];
  let lost = 0;
  for (const socket of sockets)
    handshakes.begin(
      socket,
      () => assert.fail(),
      () => (lost += 1),
    );
  handshakes.review(systemClock.monotonic() + 9_000);
  assert.equal(handshakes.size, 2);
  const closed = sockets.map((socket) => once(socket, 'close'));
  handshakes.review(systemClock.monotonic() + 10_001);
  await Promise.all(closed);
  assert.deepEqual([handshakes.size, lost], [0, 2]);
  assert.deepEqual(counted(counts), { timed_out: 2 });
});

test('one too many cuts the oldest', () => {
  const counts = new CounterFamily();
  const handshakes = new Handshakes(counts);
  const sockets = Array.from({ length: 1_025 }, () => new Socket());
  for (const socket of sockets)
    handshakes.begin(
      socket,
      () => assert.fail(),
      () => {},
    );
  assert.equal(handshakes.size, 1_024);
  assert.deepEqual(sockets.map(({ destroyed }) => destroyed).filter(Boolean), [true]);
  assert.equal(sockets[0]?.destroyed, true);
  handshakes.close();
  assert.deepEqual(counted(counts), { crowded: 1, aborted: 1_024 });
});
