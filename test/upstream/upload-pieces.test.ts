import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turnEnd } from 'node:timers/promises';
import { Turn } from '../../src/lib/turn.ts';
import { Budget } from '../../src/limits/budget.ts';
import { BodyCopies } from '../../src/upstream/body-copies.ts';
import { Upload } from '../../src/upstream/upload.ts';
import type { UpstreamStream } from '../../src/upstream/upstream-stream.ts';

/** Upstream that takes nothing at first: each write waits in the socket, up to `most` bytes. */
class FullSocket {
  readonly framesBody = true;
  readonly written: Uint8Array[] = [];
  most: number;
  ended = false;

  constructor(most: number) {
    this.most = most;
  }

  get stream(): UpstreamStream {
    return this as unknown as UpstreamStream;
  }

  get text(): string {
    return Buffer.concat(this.written).toString('latin1');
  }

  get keepsUpload(): boolean {
    return this.written.length > 0;
  }

  upload(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    return this.text.length < this.most;
  }

  uploadNow(): number {
    return 0;
  }

  endUpload(): void {
    this.ended = true;
  }
}

const PIECES = 5_000;
const MOST = 16 * 1024;
const framed = '1\r\nx\r\n'.repeat(PIECES);

/** An upload in chunks, and a push of PIECES chunks of one byte, all views of one buffer. */
function chunks(): { upload: Upload; budget: Budget; push: (last: boolean) => void; flowed: () => number } {
  const budget = new Budget(1024 * 1024);
  let flowed = 0;
  const owner = {
    onUploadFlowing: (): void => {
      flowed += 1;
    },
  };
  const upload = new Upload(true, { budget, copies: new BodyCopies(), turn: new Turn() }, owner);
  const view = Buffer.from('x');
  const push = (last: boolean): void => {
    for (let at = 1; at <= PIECES; at += 1) assert.ok(upload.push(view, last && at === PIECES));
  };
  return { upload, budget, push, flowed: () => flowed };
}

describe('a body in chunks of one byte', () => {
  test('waits for a connection in a few pieces, and leaves whole', () => {
    const { upload, budget, push } = chunks();
    push(true);
    assert.equal(upload.held, framed.length);
    assert.equal(budget.used, framed.length);
    const socket = new FullSocket(Number.POSITIVE_INFINITY);
    upload.attach(socket.stream);
    assert.equal(socket.text, `${framed}0\r\n\r\n`);
    assert.ok(socket.written.length < 20, `${socket.written.length} writes`);
    assert.deepEqual([socket.ended, budget.used], [true, 0]);
  });

  test('goes behind bytes that wait in the socket once in a turn', async () => {
    const { upload, budget, push, flowed } = chunks();
    const socket = new FullSocket(Number.POSITIVE_INFINITY);
    upload.attach(socket.stream);
    push(true);
    assert.equal(socket.text, '1\r\nx\r\n');
    await turnEnd();
    assert.equal(socket.text, `${framed}0\r\n\r\n`);
    assert.ok(socket.written.length < 20, `${socket.written.length} writes`);
    assert.deepEqual([flowed(), socket.ended, budget.used], [1, true, 0]);
  });

  test('is held when the socket is full, and goes on when it takes more', async () => {
    const { upload, push, flowed } = chunks();
    const socket = new FullSocket(MOST);
    upload.attach(socket.stream);
    push(false);
    await turnEnd();
    assert.equal(flowed(), 0);
    assert.ok(socket.text.length >= MOST && socket.text.length < 2 * MOST);
    push(true);
    assert.equal(upload.held + socket.text.length, 2 * framed.length);
    socket.most = Number.POSITIVE_INFINITY;
    upload.resume();
    assert.equal(socket.text, `${framed}${framed}0\r\n\r\n`);
    assert.ok(socket.written.length < 40, `${socket.written.length} writes`);
    assert.equal(socket.ended, true);
  });

  test('gives its budget back when it is dropped in mid-turn', async () => {
    const { upload, budget, push } = chunks();
    const socket = new FullSocket(MOST);
    upload.attach(socket.stream);
    push(false);
    upload.drop();
    assert.deepEqual([upload.held, budget.used], [0, 0]);
    await turnEnd();
    assert.equal(socket.text, '1\r\nx\r\n');
  });
});

test('a body in chunks leaves without them for a stream that frames by itself', async () => {
  const { upload, budget, push } = chunks();
  push(false);
  upload.setTrailers('x-sum: 1\r\n');
  const socket = new FullSocket(Number.POSITIVE_INFINITY);
  upload.attach(Object.assign(socket, { framesBody: false }).stream);
  assert.ok(socket.text === 'x'.repeat(PIECES));
  assert.equal(budget.used, 0);
  upload.push(Buffer.from('end'), true);
  await turnEnd();
  await turnEnd();
  assert.ok(socket.text === `${'x'.repeat(PIECES)}end`);
  assert.equal(socket.ended, true);
});

test('an empty body in chunks ends on each stream that gets it', () => {
  const { upload } = chunks();
  const first = new FullSocket(1);
  upload.attach(first.stream);
  assert.ok(upload.push(Buffer.alloc(0), true));
  assert.equal(first.ended, true);
  upload.detach();
  const second = new FullSocket(1);
  upload.attach(second.stream);
  assert.deepEqual([second.ended, second.text], [true, '0\r\n\r\n']);
});
