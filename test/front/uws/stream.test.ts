import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UwsStream } from '../../../src/front/uws/stream.ts';
import { Events, FakeResponse, responseHead, streamOn } from './fake-response.ts';

const head = responseHead('200 OK\r\nX-A: 1');

function start(total: number, close = false): { fake: FakeResponse; stream: UwsStream; events: Events } {
  const fake = new FakeResponse();
  const stream = streamOn(fake);
  const events = new Events();
  stream.listen(events);
  stream.startPieces(head, total, close);
  return { fake, stream, events };
}

/** The same with a body that has begun, before its response. */
function receiving(): { fake: FakeResponse; stream: UwsStream; events: Events } {
  const fake = new FakeResponse();
  const stream = streamOn(fake);
  const events = new Events();
  stream.listen(events);
  stream.takeBody(true);
  return { fake, stream, events };
}

/** The engine's calls about reading since the last call. */
const flow = (fake: FakeResponse): string[] =>
  fake.calls.splice(0).filter((call) => call === 'pause' || call === 'resume');
const writes = (fake: FakeResponse): string[] =>
  fake.calls.splice(0).filter((call) => call.startsWith('write '));

describe('a response in pieces to a client that is slow', () => {
  test('of unknown length: bytes after a refused slice wait, then go on', () => {
    const { fake, stream, events } = start(-1);
    fake.free = 1;
    assert.equal(stream.sendPieces([new Uint8Array(40_000)], false), false);
    assert.deepEqual(fake.calls.splice(0).slice(1), ['write 16000', 'write 16000']);
    fake.free = 100;
    assert.equal(fake.writable(0), true);
    assert.deepEqual(fake.calls.splice(0), ['write 8000']);
    assert.equal(events.drained, 1);
    assert.equal(stream.sendPieces([new Uint8Array(1)], true), true);
    assert.deepEqual(fake.calls, ['write 1', 'end 0']);
    assert.equal(stream.open, false);
  });

  test('of unknown length: the end comes even when the very last slice is refused', () => {
    const { fake, stream, events } = start(-1);
    fake.free = 0;
    assert.equal(stream.sendPieces([new Uint8Array(10)], true), false);
    assert.equal(fake.calls.includes('end 0'), false);
    fake.free = 100;
    fake.writable(0);
    assert.equal(fake.calls.at(-1), 'end 0');
    assert.equal(events.drained, 1);
  });

  test('of known length: a refused piece is sent again and then ends the answer', () => {
    const { fake, stream, events } = start(30);
    assert.equal(stream.sendPieces([new Uint8Array(10)], false), true);
    fake.free = 0;
    assert.equal(stream.sendPieces([new Uint8Array(20)], true), false);
    assert.equal(fake.writable(10), false);
    assert.equal(events.drained, 0);
    fake.free = 1;
    fake.writable(10);
    assert.equal(fake.calls.at(-1), 'tryEnd 20');
    assert.equal(events.drained, 1);
    assert.equal(stream.open, false);
  });

  test('held bytes are a copy', () => {
    const { fake, stream } = start(-1);
    const shared = new Uint8Array(20_000).fill(1);
    fake.free = 0;
    stream.sendPieces([shared], false);
    shared.fill(2);
    const written: Uint8Array[] = [];
    fake.write = (chunk) => {
      written.push(chunk.slice());
      return true;
    };
    fake.writable(0);
    assert.deepEqual(written, [new Uint8Array(4000).fill(1)]);
  });

  test('a client that leaves meanwhile is reported once, and nothing more is written', () => {
    const { fake, stream, events } = start(-1);
    fake.free = 0;
    stream.sendPieces([new Uint8Array(20_000)], false);
    fake.aborted();
    const before = fake.calls.length;
    fake.writable(0);
    stream.sendPieces([new Uint8Array(1)], true);
    stream.abort();
    assert.equal(fake.calls.length, before);
    assert.deepEqual([events.aborted, events.drained], [1, 0]);
  });
});

describe('pieces and heads stay below the size that the engine corks', () => {
  test('a head and a first slice that do not fit together are written apart', () => {
    const fake = new FakeResponse();
    const stream = streamOn(fake);
    let corked = 0;
    let most = 0;
    fake.cork = (work) => {
      corked = 0;
      work();
      return fake;
    };
    const count = (bytes: number): void => {
      corked += bytes;
      most = Math.max(most, corked);
    };
    fake.writeStatus = (lines) => {
      count('HTTP/1.1 '.length + lines.length + 2);
      return fake;
    };
    fake.write = (chunk) => {
      count(chunk.length + 10);
      return true;
    };
    stream.listen(new Events());
    stream.startPieces({ ...head, lines: `${head.lines}${'v'.repeat(9000)}` }, -1, false);
    stream.sendPieces([new Uint8Array(100_000)], true);
    assert.ok(most < 16 * 1024, `${most} bytes in one cork`);
  });
});

describe('a paused client', () => {
  test('is paused once, and stays so when its response begins', () => {
    const { fake, stream } = receiving();
    stream.resumeBody();
    stream.pauseBody();
    stream.pauseBody();
    stream.startPieces(head, 50, false);
    stream.sendPieces([new Uint8Array(1)], false);
    assert.deepEqual(flow(fake), ['pause']);
    stream.resumeBody();
    stream.resumeBody();
    assert.deepEqual(flow(fake), ['resume']);
  });

  test('fills the slot of the engine before the first write may be refused', () => {
    const { fake, stream } = receiving();
    stream.startPieces(head, 50, false);
    assert.deepEqual(flow(fake), ['pause', 'resume']);
  });

  for (const [name, total] of [
    ['known', 50_000],
    ['unknown', -1],
  ] as const) {
    test(`that takes nothing of a response of ${name} length is paused anew, and sending is tried until it takes`, (context) => {
      context.mock.timers.enable({ apis: ['setTimeout'] });
      const { fake, stream, events } = receiving();
      stream.pauseBody();
      stream.startPieces(head, total, false);
      fake.free = 0;
      assert.equal(stream.sendPieces([new Uint8Array(20_000)], false), false);
      // A refused write makes the engine read.
      assert.deepEqual(flow(fake), ['pause', 'pause']);
      context.mock.timers.tick(5);
      // The client is read only during a try.
      assert.deepEqual(flow(fake), ['resume', 'pause']);
      context.mock.timers.tick(9);
      assert.deepEqual(flow(fake), []);
      fake.free = 100;
      context.mock.timers.tick(1);
      assert.deepEqual(flow(fake), ['resume', 'pause']);
      assert.deepEqual([events.drained, stream.pausing, stream.behind], [1, true, false]);
      context.mock.timers.tick(1_000);
      assert.deepEqual(flow(fake), []);
      stream.resumeBody();
      assert.deepEqual(flow(fake), ['resume']);
      fake.aborted();
    });
  }

  test('is tried with one byte when the engine may still hold refused bytes', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, stream } = receiving();
    stream.pauseBody();
    stream.startPieces(head, -1, false);
    fake.free = 0;
    stream.sendPieces([new Uint8Array(30_000)], false);
    for (const at of [5, 10, 20]) context.mock.timers.tick(at);
    assert.deepEqual(writes(fake), ['write 16000', 'write 1', 'write 1', 'write 1']);
    fake.free = 100;
    context.mock.timers.tick(40);
    assert.deepEqual(writes(fake), ['write 1', `write ${30_000 - 16_000 - 4}`]);
    fake.aborted();
  });

  test('that takes nothing and is resumed is tried at once, so that room to write is polled for', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, stream, events } = receiving();
    stream.startPieces(head, 50, false);
    fake.free = 0;
    stream.sendPieces([new Uint8Array(20)], false);
    stream.pauseBody();
    stream.resumeBody();
    fake.calls.length = 0;
    context.mock.timers.tick(1);
    assert.deepEqual(fake.calls, ['resume', 'tryEnd 20 refused']);
    context.mock.timers.tick(1_000);
    assert.deepEqual(fake.calls.length, 2, 'from here on the engine tells');
    fake.free = 1;
    fake.writable(0);
    assert.equal(events.drained, 1);
    fake.aborted();
  });

  test('is resumed before the last byte of its response, after which the engine takes no calls', () => {
    const { fake, stream } = receiving();
    stream.pauseBody();
    stream.startPieces(head, 5, false);
    fake.calls.length = 0;
    stream.sendPieces([new Uint8Array(5)], true);
    assert.deepEqual(fake.calls, ['resume', `status ${head.lines}`, 'tryEnd 5']);
    assert.equal(stream.open, false);
  });

  test('that leaves is not tried any more', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, stream } = receiving();
    stream.pauseBody();
    stream.startPieces(head, 50, false);
    fake.free = 0;
    stream.sendPieces([new Uint8Array(20)], false);
    fake.aborted();
    fake.calls.length = 0;
    context.mock.timers.tick(1_000);
    assert.deepEqual(fake.calls, []);
  });
});

test('unexpected room to write flushes the engine, and postpones its time-out, which it has stopped', () => {
  const { fake, stream, events } = receiving();
  stream.startPieces(head, 50, false);
  fake.calls.length = 0;
  assert.equal(fake.writable(0), true);
  assert.deepEqual([fake.calls, events.drained], [['pause', 'resume'], 0]);
});

describe('a response whose end waits for the rest of the body', () => {
  for (const [name, total] of [
    ['known', 30],
    ['unknown', -1],
  ] as const) {
    test(`of ${name} length`, () => {
      const { fake, stream } = receiving();
      stream.startPieces(head, total, false);
      stream.sendButEnd([new Uint8Array(20), new Uint8Array(10), new Uint8Array(0)]);
      stream.pauseBody();
      assert.deepEqual([stream.open, flow(fake)], [true, ['pause', 'resume', 'pause']]);
      assert.equal(stream.finish(), true);
      assert.deepEqual([stream.open, flow(fake)], [false, ['resume']]);
    });

    test(`of ${name} length, to a client that takes nothing`, () => {
      const { fake, stream, events } = receiving();
      stream.startPieces(head, total, false);
      fake.free = 0;
      stream.sendButEnd([new Uint8Array(20), new Uint8Array(10)]);
      assert.equal(stream.finish(), false);
      fake.free = 100;
      fake.writable(0);
      assert.deepEqual([stream.open, events.drained], [false, 1]);
    });
  }
});
