import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { Turn } from '../../../src/lib/turn.ts';
import { type Follower, Pipeline } from '../../../src/upstream/h1/pipeline.ts';
import type { UpstreamSocket } from '../../../src/upstream/h1/upstream-socket.ts';
import type { ResponseSink } from '../../../src/upstream/response-sink.ts';
import { type AttemptFailure, isUntaken } from '../../../src/upstream/retry.ts';

let written: [string, string][];
let pipeline: Pipeline;

beforeEach(() => {
  written = [];
  const socket = { write: (text: string, encoding: string) => written.push([text, encoding]) };
  pipeline = new Pipeline(socket as unknown as UpstreamSocket, new Turn());
});

const latin1 = (text: string) => ({ text, encoding: 'latin1' }) as const;
const utf8 = (text: string) => ({ text, encoding: 'utf8' }) as const;

function sink(failures: AttemptFailure[] = []): ResponseSink {
  return { onResponse() {}, onUploadDrained() {}, onFailure: (failure) => void failures.push(failure) };
}

const follower = (text: string, owner = sink()): Follower => ({
  method: 'GET',
  head: latin1(text),
  sink: owner,
});

describe('heads of one turn', () => {
  test('leave in one write, in their order, at the end of the turn', async () => {
    pipeline.write(latin1('a'));
    pipeline.add(follower('b'));
    pipeline.add({ ...follower('c'), head: utf8('ü') });
    pipeline.add(follower('d'));
    pipeline.add({ ...follower('e'), head: latin1('\xfc') });
    assert.deepEqual([written, pipeline.writesAtTurnEnd, pipeline.unsent], [[], true, true]);
    await turnEnds();
    assert.deepEqual(written, [['abÃ¼d\xfc', 'latin1']], 'the bytes of each, whatever the encoding');
    assert.deepEqual(
      [pipeline.writesAtTurnEnd, pipeline.unsent, pipeline.followerIsSent],
      [false, false, true],
    );
  });

  test('that were dropped or abandoned in this turn are not written', async () => {
    const second = sink();
    pipeline.write(latin1('a'));
    pipeline.add(follower('b'));
    pipeline.add(follower('c', second));
    pipeline.dropHead();
    pipeline.abandon(second);
    await turnEnds();
    assert.deepEqual([written, pipeline.size], [[['b', 'latin1']], 1]);
  });
});

test('an abandoned follower that is written keeps its place, and no sink waits for it', async () => {
  const only = sink();
  pipeline.add(follower('a', only));
  await turnEnds();
  pipeline.abandon(only);
  assert.deepEqual([pipeline.size, pipeline.awaited], [1, false]);
  assert.equal(pipeline.next()?.sink, undefined);
});

test('a follower that becomes the current request may still be unsent', () => {
  pipeline.add(follower('a'));
  assert.equal(pipeline.followerIsSent, false);
  pipeline.next();
  assert.ok(pipeline.unsent);
});

test('of an abandoned response a bounded part is read', () => {
  pipeline.startDiscarding();
  const piece = new Uint8Array(128 * 1024);
  assert.ok(pipeline.discard([piece, piece]));
  assert.ok(!pipeline.discard([piece.subarray(0, 1)]));
});

test('every follower of a connection that ends can be retried, and learns how much of it was sent', async () => {
  const failures: AttemptFailure[] = [];
  pipeline.add(follower('a', sink(failures)));
  await turnEnds();
  pipeline.add(follower('b', sink(failures)));
  pipeline.failFollowers();
  assert.deepEqual(
    failures.map((failure) => [failure.reason, failure.sent, isUntaken(failure)]),
    [
      ['upstream_reset', 'all', true],
      ['upstream_reset', 'nothing', true],
    ],
  );
  assert.equal(pipeline.size, 0);
});
