import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Downstream } from '../../../src/front/uws/downstream.ts';
import type { EngineResponse } from '../../../src/front/uws/engine.ts';
import { Peers } from '../../../src/front/uws/peers.ts';

/** The engine's response object with a socket that takes as many writes as the test allows. */
class FakeResponse {
  /** Writes that the socket takes before it is full; a refused chunk is buffered, as the engine does it. */
  free = Number.POSITIVE_INFINITY;
  /** What the engine was told, in order. */
  readonly calls: string[] = [];
  writable: (offset: number) => boolean = () => true;
  aborted = (): void => {};
  private offset = 0;

  onAborted(handler: () => void): this {
    this.aborted = handler;
    return this;
  }
  onData(): this {
    return this;
  }
  onWritable(handler: (offset: number) => boolean): this {
    this.writable = handler;
    return this;
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  cork(work: () => void): this {
    work();
    return this;
  }
  writeStatus(status: string): this {
    this.calls.push(`status ${status}`);
    return this;
  }
  writeHeader(name: string, value: string): this {
    this.calls.push(`header ${name}: ${value}`);
    return this;
  }
  write(chunk: Uint8Array): boolean {
    this.calls.push(`write ${chunk.length}`);
    this.free -= 1;
    return this.free >= 0;
  }
  tryEnd(chunk: Uint8Array, total: number): [boolean, boolean] {
    this.free -= 1;
    if (this.free < 0) {
      this.calls.push(`tryEnd ${chunk.length} refused`);
      return [false, false];
    }
    this.offset += chunk.length;
    this.calls.push(`tryEnd ${chunk.length}`);
    return [true, this.offset === total];
  }
  end(body?: string | Uint8Array, close?: boolean): this {
    this.calls.push(`end ${body?.length ?? 0}${close === true ? ' close' : ''}`);
    return this;
  }
  endWithoutBody(): this {
    this.calls.push('endWithoutBody');
    return this;
  }
  close(): this {
    this.calls.push('close');
    this.aborted();
    return this;
  }
  getWriteOffset(): number {
    return this.offset;
  }
  getRemoteAddress(): ArrayBuffer {
    return new Uint8Array([127, 0, 0, 1]).buffer;
  }
}

class Events {
  drained = 0;
  aborted = 0;
  onRequestBody(): void {}
  onAborted(): void {
    this.aborted += 1;
  }
  onDrained(): void {
    this.drained += 1;
  }
}

const head = { lines: '200 OK\r\nX-A: 1', eightBit: false };

function start(total: number, close = false): { fake: FakeResponse; downstream: Downstream; events: Events } {
  const fake = new FakeResponse();
  const downstream = new Downstream(fake as unknown as EngineResponse, new Peers());
  const events = new Events();
  downstream.listen(events);
  downstream.begin(head, total, close);
  return { fake, downstream, events };
}

/** The same with a body under way, before its answer. */
function receiving(): { fake: FakeResponse; downstream: Downstream; events: Events } {
  const fake = new FakeResponse();
  const downstream = new Downstream(fake as unknown as EngineResponse, new Peers());
  const events = new Events();
  downstream.listen(events);
  downstream.takeBody();
  return { fake, downstream, events };
}

/** What the engine was told of reading since this was asked before. */
const flow = (fake: FakeResponse): string[] =>
  fake.calls.splice(0).filter((call) => call === 'pause' || call === 'resume');
const writes = (fake: FakeResponse): string[] =>
  fake.calls.splice(0).filter((call) => call.startsWith('write '));

describe('an answer in pieces to a client that is slow', () => {
  test('of unknown length: what follows a refused slice waits, then goes on', () => {
    const { fake, downstream, events } = start(-1);
    fake.free = 1;
    assert.equal(downstream.send([new Uint8Array(40_000)], false), false);
    assert.deepEqual(fake.calls.splice(0).slice(1), ['write 16000', 'write 16000']);
    fake.free = 100;
    assert.equal(fake.writable(0), true);
    assert.deepEqual(fake.calls.splice(0), ['write 8000']);
    assert.equal(events.drained, 1);
    assert.equal(downstream.send([new Uint8Array(1)], true), true);
    assert.deepEqual(fake.calls, ['write 1', 'end 0']);
    assert.equal(downstream.open, false);
  });

  test('of unknown length: the end comes even when the very last slice is refused', () => {
    const { fake, downstream, events } = start(-1);
    fake.free = 0;
    assert.equal(downstream.send([new Uint8Array(10)], true), false);
    assert.equal(fake.calls.includes('end 0'), false);
    fake.free = 100;
    fake.writable(0);
    assert.equal(fake.calls.at(-1), 'end 0');
    assert.equal(events.drained, 1);
  });

  test('of known length: a refused piece is sent again and then ends the answer', () => {
    const { fake, downstream, events } = start(30);
    assert.equal(downstream.send([new Uint8Array(10)], false), true);
    fake.free = 0;
    assert.equal(downstream.send([new Uint8Array(20)], true), false);
    assert.equal(fake.writable(10), false);
    assert.equal(events.drained, 0);
    fake.free = 1;
    fake.writable(10);
    assert.equal(fake.calls.at(-1), 'tryEnd 20');
    assert.equal(events.drained, 1);
    assert.equal(downstream.open, false);
  });

  test('what is held back is a copy', () => {
    const { fake, downstream } = start(-1);
    const shared = new Uint8Array(20_000).fill(1);
    fake.free = 0;
    downstream.send([shared], false);
    shared.fill(2);
    const written: Uint8Array[] = [];
    fake.write = (chunk) => {
      written.push(chunk.slice());
      return true;
    };
    fake.writable(0);
    assert.deepEqual(written, [new Uint8Array(4000).fill(1)]);
  });

  test('a client that leaves meanwhile is told of once, and nothing more is written', () => {
    const { fake, downstream, events } = start(-1);
    fake.free = 0;
    downstream.send([new Uint8Array(20_000)], false);
    fake.aborted();
    const before = fake.calls.length;
    fake.writable(0);
    downstream.send([new Uint8Array(1)], true);
    downstream.abort();
    assert.equal(fake.calls.length, before);
    assert.deepEqual([events.aborted, events.drained], [1, 0]);
  });
});

describe('pieces and heads stay below what the engine corks', () => {
  test('a head and a first slice that do not fit together are written apart', () => {
    const fake = new FakeResponse();
    const downstream = new Downstream(fake as unknown as EngineResponse, new Peers());
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
    downstream.listen(new Events());
    downstream.begin({ ...head, lines: `${head.lines}${'v'.repeat(9000)}` }, -1, false);
    downstream.send([new Uint8Array(100_000)], true);
    assert.ok(most < 16 * 1024, `${most} bytes in one cork`);
  });
});

describe('a client that is kept from sending its body', () => {
  test('is paused once, and stays so when its answer begins', () => {
    const { fake, downstream } = receiving();
    downstream.resumeBody();
    downstream.pauseBody();
    downstream.pauseBody();
    downstream.begin(head, 50, false);
    downstream.send([new Uint8Array(1)], false);
    assert.deepEqual(flow(fake), ['pause']);
    downstream.resumeBody();
    downstream.resumeBody();
    assert.deepEqual(flow(fake), ['resume']);
  });

  test('fills the slot of the engine before the first write may be refused', () => {
    const { fake, downstream } = receiving();
    downstream.begin(head, 50, false);
    assert.deepEqual(flow(fake), ['pause', 'resume']);
  });

  for (const [name, total] of [
    ['known', 50_000],
    ['unknown', -1],
  ] as const) {
    test(`and takes nothing of an answer of ${name} length is paused anew, and sending is tried until it takes`, (context) => {
      context.mock.timers.enable({ apis: ['setTimeout'] });
      const { fake, downstream, events } = receiving();
      downstream.pauseBody();
      downstream.begin(head, total, false);
      fake.free = 0;
      assert.equal(downstream.send([new Uint8Array(20_000)], false), false);
      // A refused write makes the engine read.
      assert.deepEqual(flow(fake), ['pause', 'pause']);
      context.mock.timers.tick(5);
      // Read for the length of a try alone.
      assert.deepEqual(flow(fake), ['resume', 'pause']);
      context.mock.timers.tick(9);
      assert.deepEqual(flow(fake), []);
      fake.free = 100;
      context.mock.timers.tick(1);
      assert.deepEqual(flow(fake), ['resume', 'pause']);
      assert.deepEqual([events.drained, downstream.pausing, downstream.behind], [1, true, false]);
      context.mock.timers.tick(1_000);
      assert.deepEqual(flow(fake), []);
      downstream.resumeBody();
      assert.deepEqual(flow(fake), ['resume']);
      fake.aborted();
    });
  }

  test('is tried with one byte when the engine may still hold what it refused', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, downstream } = receiving();
    downstream.pauseBody();
    downstream.begin(head, -1, false);
    fake.free = 0;
    downstream.send([new Uint8Array(30_000)], false);
    for (const at of [5, 10, 20]) context.mock.timers.tick(at);
    assert.deepEqual(writes(fake), ['write 16000', 'write 1', 'write 1', 'write 1']);
    fake.free = 100;
    context.mock.timers.tick(40);
    assert.deepEqual(writes(fake), ['write 1', `write ${30_000 - 16_000 - 4}`]);
    fake.aborted();
  });

  test('and is read again while it takes nothing is tried at once, so that room to write is polled for', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, downstream, events } = receiving();
    downstream.begin(head, 50, false);
    fake.free = 0;
    downstream.send([new Uint8Array(20)], false);
    downstream.pauseBody();
    downstream.resumeBody();
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

  test('is read again before the last byte of its answer, behind which nothing can be said to the engine', () => {
    const { fake, downstream } = receiving();
    downstream.pauseBody();
    downstream.begin(head, 5, false);
    fake.calls.length = 0;
    downstream.send([new Uint8Array(5)], true);
    assert.deepEqual(fake.calls, ['resume', `status ${head.lines}`, 'tryEnd 5']);
    assert.equal(downstream.open, false);
  });

  test('and leaves is not tried any more', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { fake, downstream } = receiving();
    downstream.pauseBody();
    downstream.begin(head, 50, false);
    fake.free = 0;
    downstream.send([new Uint8Array(20)], false);
    fake.aborted();
    fake.calls.length = 0;
    context.mock.timers.tick(1_000);
    assert.deepEqual(fake.calls, []);
  });
});

test('room to write that was not asked for flushes the engine, and puts off its time-out, which it has stopped', () => {
  const { fake, downstream, events } = receiving();
  downstream.begin(head, 50, false);
  fake.calls.length = 0;
  assert.equal(fake.writable(0), true);
  assert.deepEqual([fake.calls, events.drained], [['pause', 'resume'], 0]);
});

describe('an answer whose end waits for the rest of the body', () => {
  for (const [name, total] of [
    ['known', 30],
    ['unknown', -1],
  ] as const) {
    test(`of ${name} length`, () => {
      const { fake, downstream } = receiving();
      downstream.begin(head, total, false);
      downstream.sendButEnd([new Uint8Array(20), new Uint8Array(10), new Uint8Array(0)]);
      downstream.pauseBody();
      assert.deepEqual([downstream.open, flow(fake)], [true, ['pause', 'resume', 'pause']]);
      assert.equal(downstream.finish(), true);
      assert.deepEqual([downstream.open, flow(fake)], [false, ['resume']]);
    });

    test(`of ${name} length, to a client that takes nothing`, () => {
      const { fake, downstream, events } = receiving();
      downstream.begin(head, total, false);
      fake.free = 0;
      downstream.sendButEnd([new Uint8Array(20), new Uint8Array(10)]);
      assert.equal(downstream.finish(), false);
      fake.free = 100;
      fake.writable(0);
      assert.deepEqual([downstream.open, events.drained], [false, 1]);
    });
  }
});
