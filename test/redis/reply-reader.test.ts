import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { RedisError, type Reply, ReplyError, ReplyReader } from '../../src/redis/reply-reader.ts';

/** The replies in bytes that arrive in pieces of this size. */
function read(bytes: Buffer, size = bytes.length): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size));
  return replies;
}

const text = Buffer.from(
  '+OK\r\n:12\r\n:-1\r\n$4\r\nz\r\né\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n$1\r\na\r\n*1\r\n-ERR no\r\n-WRONGTYPE\r\n'.replace(
    '$4\r\nz\r\né',
    '$5\r\nz\r\né',
  ),
);

describe('replies of Redis', () => {
  test('are the same with cuts in any place, once or twice', () => {
    const long = 'y'.repeat(8_193);
    const passed = Buffer.from(`*2\r\n$8193\r\n${long}\r\n:7\r\n+OK\r\n`);
    const cut = (bytes: Buffer, ...at: number[]): Reply[] => {
      const replies: Reply[] = [];
      const reader = new ReplyReader((reply) => replies.push(reply));
      for (const [index, end] of [...at, bytes.length].entries()) {
        reader.take(bytes.subarray(index === 0 ? 0 : at[index - 1], end));
      }
      return replies;
    };
    const whole = read(text);
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        assert.deepEqual(cut(text, first, second), whole, `${first} ${second}`);
      }
    }
    for (let at = 0; at <= passed.length; at += 1) {
      assert.deepEqual(cut(passed, at), [[undefined, 7], 'OK'], `${at}`);
    }
  });

  test('are the same in pieces of any size', () => {
    const whole = read(text);
    assert.deepEqual(whole, [
      'OK',
      12,
      -1,
      'z\r\né',
      '',
      null,
      null,
      [],
      ['a', [new RedisError('ERR no')]],
      new RedisError('WRONGTYPE'),
    ]);
    for (let size = 1; size < text.length; size += 1) assert.deepEqual(read(text, size), whole);
  });

  test('skip texts that are too long, and yield the values beside them', () => {
    const long = 'y'.repeat(9_000);
    const bytes = Buffer.from(`*3\r\n$1\r\na\r\n$9000\r\n${long}\r\n$1\r\nb\r\n$9000\r\n${long}\r\n+OK\r\n`);
    for (const size of [1, 7, 4_096, bytes.length]) {
      assert.deepEqual(read(bytes, size), [['a', undefined, 'b'], undefined, 'OK']);
    }
    const fitting = 'y'.repeat(8_192);
    assert.deepEqual(read(Buffer.from(`$8192\r\n${fitting}\r\n`), 1_000), [fitting]);
  });

  test('that are invalid, or longer than any expected one, end the reader', () => {
    for (const wrong of [
      'HTTP/1.1 400 Bad Request\r\n',
      ':1.5\r\n',
      '$x\r\n',
      '*100001\r\n',
      '*1\r\n'.repeat(9),
      `+${'x'.repeat(17_000)}`,
      `-${'x'.repeat(17_000)}\r\n`,
    ]) {
      assert.throws(() => read(Buffer.from(wrong)), ReplyError, wrong.slice(0, 20));
    }
    const reader = new ReplyReader(() => assert.fail('it has no end'));
    reader.take(Buffer.from('$100000000000\r\n'));
    const piece = Buffer.alloc(1024 * 1024);
    assert.throws(() => {
      for (let count = 0; count < 260; count += 1) reader.take(piece);
    }, ReplyError);
  });

  test('may be many hundreds of megabytes together', () => {
    let replies = 0;
    const reader = new ReplyReader(() => {
      replies += 1;
    });
    const piece = Buffer.from(`*1\r\n$1000000\r\n${'y'.repeat(1_000_000)}\r\n`);
    for (let count = 0; count < 100; count += 1) reader.take(piece);
    assert.equal(replies, 100);
  });

  test('of any bytes end the reader or are read, in bounded time', () => {
    const piece = fc.oneof(
      fc.constantFrom('*', '$', ':', '+', '-', '\r\n', '1', '0', '-1', '99999'),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          read(Buffer.from(pieces.join('')), 3);
        } catch (error) {
          assert.ok(error instanceof ReplyError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
