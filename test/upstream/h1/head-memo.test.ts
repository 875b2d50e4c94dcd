import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadMemo } from '../../../src/upstream/h1/head-memo.ts';
import type { ResponseHead } from '../../../src/upstream/h1/response-head.ts';
import { Player } from './response-player.ts';
import { rows } from './response-rows.ts';

const LIMIT = 65_536;

const headOf = (rest: string): ResponseHead => ({
  status: 200,
  lines: `200 OK\r\nA: ${rest}`,
  eightBit: false,
  framing: 'length',
  contentLength: 2,
  keepAlive: true,
  keepSeconds: Number.POSITIVE_INFINITY,
  keepRequests: Number.POSITIVE_INFINITY,
});
const bytesOf = (rest: string): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\nA: ${rest}\r\n\r\n`, 'latin1');

test('the memory of one message never changes the meaning of another', () => {
  const short = rows.filter((row) => row.limit === LIMIT && row.bytes.length < 1000);
  const remembered = short.filter((row) => row.outcome.status !== undefined);
  assert.ok(remembered.length > 50);
  for (const first of remembered) {
    const player = new Player(LIMIT);
    const before = Buffer.from(first.bytes, 'latin1');
    for (const second of short) {
      assert.deepEqual(player.play([before], first), first.outcome, first.name);
      const bytes = Buffer.from(second.bytes, 'latin1');
      assert.deepEqual(player.play([bytes], second), second.outcome, `${second.name} after ${first.name}`);
    }
  }
});

test('the same bytes in response to another method are read anew', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'latin1');
  const player = new Player(LIMIT);
  for (const [method, complete] of [
    ['GET', false],
    ['HEAD', true],
    ['GET', false],
  ] as const) {
    const outcome = player.play([bytes], { method, eof: false });
    assert.deepEqual([outcome.framing, outcome.complete], [complete ? 'none' : 'length', complete], method);
  }
});

test('only the whole head, at the start of the bytes, is recalled', () => {
  const memo = new HeadMemo();
  const head = headOf('one');
  const bytes = bytesOf('one');
  memo.remember('GET', bytes, bytes.length, head);
  assert.equal(memo.recall('GET', bytes, bytes.length), head);
  assert.equal(memo.recall('GET', Buffer.concat([bytes, Buffer.from('hi')]), bytes.length + 2), head);
  assert.equal(memo.recall('HEAD', bytes, bytes.length), undefined);
  assert.equal(memo.recall('GET', bytes, bytes.length - 1), undefined);
  assert.equal(memo.recall('GET', bytesOf('onf'), bytes.length), undefined);
  bytes.fill(0);
  assert.equal(memo.recall('GET', bytesOf('one'), bytes.length), head, 'it kept a copy');
});

test('a head longer than its room is not remembered', () => {
  const memo = new HeadMemo();
  const bytes = bytesOf('x'.repeat(1024));
  memo.remember('GET', bytes, bytes.length, headOf('x'.repeat(1024)));
  assert.equal(memo.recall('GET', bytes, bytes.length), undefined);
});

test('an upstream that never repeats itself is not remembered, until it begins to', () => {
  const memo = new HeadMemo();
  const take = (rest: string): boolean => {
    const bytes = bytesOf(rest);
    if (memo.recall('GET', bytes, bytes.length) !== undefined) return true;
    memo.remember('GET', bytes, bytes.length, headOf(rest));
    return false;
  };
  for (let n = 0; n < 100; n += 1) assert.equal(take(`different ${n}`), false);
  assert.equal(take('same'), false);
  assert.equal(take('same'), false, 'not tried for a while');
  let n = 0;
  while (!take('same')) {
    n += 1;
    assert.ok(n < 2000, 'it is tried again');
  }
  for (let more = 0; more < 100; more += 1) assert.equal(take('same'), true);
});
