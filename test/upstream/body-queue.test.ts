import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyQueue } from '../../src/upstream/body-queue.ts';

/** Fills the queue with pieces of these sizes. @returns what it must give. */
function fill(queue: BodyQueue, sizes: readonly number[], from = 0): string {
  let text = '';
  sizes.forEach((size, at) => {
    const piece = String.fromCharCode(0x61 + ((from + at) % 26)).repeat(size);
    queue.add(size).write(piece, 'latin1');
    text += piece;
  });
  return text;
}

/** Empties the queue. @returns its bytes, and how many pieces and bytes of memory they took. */
function drain(queue: BodyQueue): { text: string; pieces: number; memory: number } {
  const memory = new Set<ArrayBufferLike>();
  let text = '';
  let pieces = 0;
  for (let first = queue.first; first !== undefined; first = queue.first) {
    text += Buffer.from(first).toString('latin1');
    memory.add(first.buffer);
    pieces += 1;
    queue.take(first.length);
  }
  return { text, pieces, memory: [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

describe('the bytes of a body that wait', () => {
  test('leave in their order, whatever their pieces were', () => {
    const sizes = [1, 6, 2047, 2048, 3, 5000, 1, 1, 4095, 4096, 9, 2047, 2047, 2047];
    for (let start = 0; start < sizes.length; start += 1) {
      const queue = new BodyQueue();
      const text = fill(queue, [...sizes.slice(start), ...sizes.slice(0, start)]);
      assert.equal(queue.bytes, text.length);
      assert.equal(drain(queue).text, text);
      assert.equal(queue.bytes, 0);
    }
  });

  test('leave in part while others come', () => {
    const queue = new BodyQueue();
    let wanted = '';
    let got = '';
    for (let round = 0; round < 2_000; round += 1) {
      wanted += fill(queue, [(round * 7) % 900 || 1, 1, 6], round);
      const count = Math.min((round * 13) % 1_000, queue.first?.length ?? 0);
      got += Buffer.from(queue.first?.subarray(0, count) ?? []).toString('latin1');
      if (count > 0) queue.take(count);
    }
    assert.equal(got + drain(queue).text, wanted);
  });

  test('take memory by their number and not by that of their pieces', () => {
    for (const sizes of [[6], [1], [2047], [2048, 1], [1400], [7, 900]]) {
      const queue = new BodyQueue();
      const all = Array.from({ length: 2_000 }, (_, at) => sizes[at % sizes.length] as number);
      const { length } = fill(queue, all);
      const { pieces, memory } = drain(queue);
      assert.ok(memory <= 3 * length + 4096, `${sizes}: ${memory} for ${length}`);
      assert.ok(pieces <= length / 1024 + 2, `${sizes}: ${pieces} pieces for ${length}`);
    }
  });

  test('that waited before are not overwritten by those that come behind', () => {
    const queue = new BodyQueue();
    fill(queue, [6, 6]);
    const held: Uint8Array[] = [];
    for (let first = queue.first; first !== undefined; first = queue.first) {
      held.push(first);
      queue.take(first.length);
    }
    fill(queue, [6, 6, 6], 5);
    queue.clear();
    fill(queue, [6, 6, 6], 9);
    assert.equal(Buffer.concat(held).toString('latin1'), 'aaaaaabbbbbb');
  });
});
