import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Downstream } from '../../src/listener/downstream.ts';
import type { EngineResponse } from '../../src/listener/engine.ts';
import { Peers } from '../../src/listener/peers.ts';

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

describe('the request body', () => {
  test('pause is lifted before the answer starts, and never set behind that', () => {
    const fake = new FakeResponse();
    const downstream = new Downstream(fake as unknown as EngineResponse, new Peers());
    downstream.listen(new Events());
    downstream.resumeBody();
    downstream.pauseBody();
    downstream.pauseBody();
    downstream.begin(head, 5, false);
    downstream.pauseBody();
    downstream.resumeBody();
    assert.deepEqual(fake.calls, ['pause', 'resume']);
  });
});
