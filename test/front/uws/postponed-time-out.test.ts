import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeResponse, streamOn } from './fake-response.ts';

/** A stream whose body has begun, at time 0, and the engine's calls about reading since the last call. */
function receiving(paced: boolean) {
  const fake = new FakeResponse();
  const stream = streamOn(fake, { method: 'POST', framing: 'length', contentLength: 1024 * 1024 });
  stream.takeBody(paced);
  stream.review(0);
  return { stream, fake, told: () => fake.calls.splice(0) };
}

describe('the engine’s time-out for a body', () => {
  test('is postponed when a rate is demanded, which alone decides', () => {
    const { stream, told } = receiving(true);
    stream.review(4000);
    stream.review(8000);
    assert.deepEqual(told(), ['pause', 'resume', 'pause', 'resume']);
  });

  test('cuts a client that sends nothing when no rate is demanded, and is postponed for one that sends', () => {
    const { stream, fake, told } = receiving(false);
    stream.review(4000);
    assert.deepEqual(told(), []);
    fake.body(new ArrayBuffer(1), false);
    stream.review(8000);
    assert.deepEqual(told(), ['pause', 'resume']);
    stream.review(12_000);
    assert.deepEqual(told(), []);
  });

  test('never cuts a paused client', () => {
    const { stream, told } = receiving(false);
    stream.pauseBody();
    assert.deepEqual(told(), ['pause']);
    for (const now of [4000, 8000, 12_000]) {
      stream.review(now);
      assert.deepEqual(told(), ['resume', 'pause']);
    }
  });

  test('is not touched in the reviews between', () => {
    const { stream, told } = receiving(true);
    stream.review(250);
    assert.deepEqual(told(), []);
  });
});
