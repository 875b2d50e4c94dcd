import assert from 'node:assert/strict';
import { test } from 'node:test';
import { responseHead, streamOn } from './fake-response.ts';

/** A response whose socket takes `room` bytes at a time. */
class NarrowResponse {
  room = 10;
  taken = '';
  private writable = (): boolean => true;

  onAborted(): this {
    return this;
  }
  onWritable(handler: () => boolean): this {
    this.writable = handler;
    return this;
  }
  cork(work: () => void): this {
    work();
    return this;
  }
  writeStatus(): this {
    return this;
  }
  tryEnd(chunk: Uint8Array, total: number): [boolean, boolean] {
    const part = chunk.subarray(0, this.room);
    this.taken += Buffer.from(part).toString('latin1');
    this.room -= part.length;
    return [part.length === chunk.length, this.taken.length === total];
  }
  write(chunk: Uint8Array): boolean {
    this.taken += Buffer.from(chunk).toString('latin1');
    return false;
  }
  end(): this {
    return this;
  }
  getWriteOffset(): number {
    return this.taken.length;
  }
  takeMore(room: number): void {
    this.room = room;
    this.writable();
  }
}

const head = responseHead('200 OK\r\nX-A: 1');

/**
 * All upstream connections are read into one buffer, so the bytes for a slow client must have left it before the next
 * read: otherwise the client gets a part of another client's response.
 */
for (const total of [40, -1]) {
  test(`bytes held for a slow client do not change with the buffer they came in (total ${total})`, () => {
    const fake = new NarrowResponse();
    const stream = streamOn(fake);
    stream.startPieces(head, total, false);
    const shared = Buffer.from('first piece of mine!and a second one too');
    assert.equal(stream.sendPieces([shared.subarray(0, 20), shared.subarray(20)], true), false);
    shared.fill('#');
    while (fake.taken.length < 40) fake.takeMore(7);
    assert.equal(fake.taken, 'first piece of mine!and a second one too');
  });
}

test('nor does a whole response that a slow client takes in parts', () => {
  const fake = new NarrowResponse();
  const stream = streamOn(fake);
  const shared = Buffer.from('an answer that came in one piece');
  assert.equal(stream.sendComplete(head, shared.subarray(0), false), false);
  shared.fill('#');
  while (fake.taken.length < 32) fake.takeMore(5);
  assert.equal(fake.taken, 'an answer that came in one piece');
});
