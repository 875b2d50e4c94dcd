import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeFrame } from '../../../src/http/websocket/close-frame.ts';
import { FrameTracker } from '../../../src/http/websocket/frame-tracker.ts';

/** A frame of zeros with a header for each way to write its length (RFC 6455 §5.2). */
function frame(opcode: number, payload: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0;
  const header =
    payload < 126
      ? [0x80 | opcode, mask | payload]
      : payload < 65_536
        ? [0x80 | opcode, mask | 126, payload >> 8, payload & 0xff]
        : [
            0x80 | opcode,
            mask | 127,
            0,
            0,
            0,
            0,
            payload >>> 24,
            (payload >> 16) & 0xff,
            (payload >> 8) & 0xff,
            payload & 0xff,
          ];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(payload + (masked ? 4 : 0))]);
}

const frames = [
  frame(1, 0),
  frame(2, 1),
  frame(1, 125),
  frame(9, 5),
  frame(1, 126),
  frame(2, 300),
  frame(2, 65_536),
  frame(1, 7, true),
  frame(1, 0, true),
  frame(2, 200, true),
];

/** The offsets in the bytes at which a frame has ended, where they come in these pieces. */
function boundaries(bytes: Buffer, cuts: readonly number[]): readonly number[] {
  const tracker = new FrameTracker();
  const found: number[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.subarray(from, cut);
    for (let at = 0; at < piece.length; ) {
      const next = tracker.take(piece, at);
      assert.ok(next > at);
      at = next;
      if (tracker.atBoundary) found.push(from + at);
    }
    from = cut;
  }
  return found;
}

describe('the frames of a WebSocket', () => {
  const bytes = Buffer.concat(frames);
  const ends = frames.map((_, index) =>
    frames.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0),
  );

  test('end where they say', () => {
    assert.deepEqual(boundaries(bytes, []), ends);
  });

  test('end there however the bytes are split', () => {
    // The last two have longer lengths than they need.
    const padded = ['827f0000000000000003616263', '82fe000101020304a1'].map((hex) => Buffer.from(hex, 'hex'));
    const small = Buffer.concat([frame(1, 3), frame(2, 130), frame(1, 4, true), ...padded]);
    const smallEnds = boundaries(small, []);
    for (let cut = 0; cut <= small.length; cut += 1) {
      assert.deepEqual(boundaries(small, [cut]), smallEnds, `${cut}`);
    }
    const each = Array.from({ length: small.length }, (_, index) => index);
    assert.deepEqual(boundaries(small, each), smallEnds);
  });

  test('of an absurd length never end', () => {
    const tracker = new FrameTracker();
    const huge = Buffer.from([0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    assert.equal(tracker.take(huge, 0), huge.length);
    assert.equal(tracker.atBoundary, false);
  });

  test('tell a Close', () => {
    const tracker = new FrameTracker();
    tracker.take(frame(1, 3), 0);
    assert.equal(tracker.closes, false);
    tracker.take(Buffer.from(closeFrame(1000, '')), 0);
    assert.equal(tracker.closes, true);
    assert.equal(tracker.atBoundary, true);
  });
});

test('a Close frame has its status and its reason, cut to what a control frame may have', () => {
  assert.deepEqual([...closeFrame(1008, 'ab')], [0x88, 4, 0x03, 0xf0, 0x61, 0x62]);
  assert.equal(closeFrame(1001, 'x'.repeat(200)).length, 127);
});
