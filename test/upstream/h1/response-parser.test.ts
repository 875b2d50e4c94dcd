import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseEvents, ResponseHead } from '../../../src/upstream/h1/response-head.ts';
import { ResponseParser } from '../../../src/upstream/h1/response-parser.ts';
import { cut, Player } from './response-player.ts';
import { rows } from './response-rows.ts';

/** Rows longer than this, in bytes, are cut at a sample of places only. */
const LONG = 3000;
const STRIDE = 131;

test('every row has its own name', () => {
  assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
});

for (const row of rows) {
  test(row.name, () => {
    const bytes = Buffer.from(row.bytes, 'latin1');
    // One parser for all: nothing of one message may appear in the next.
    const player = new Player(row.limit);
    assert.deepEqual(player.play([bytes], row), row.outcome);
    const step = bytes.length > LONG ? STRIDE : 1;
    for (let at = 0; at <= bytes.length; at += step) {
      assert.deepEqual(player.play(cut(bytes, [at]), row), row.outcome, `cut at ${at}`);
    }
    const single = cut(
      bytes,
      Array.from({ length: bytes.length }, (_, at) => at),
    );
    assert.deepEqual(player.play(single, row), row.outcome, 'byte by byte');
    assert.deepEqual(player.play([bytes], row), row.outcome, 'whole again');
  });
}

test('a head of 64 KiB, byte by byte', () => {
  const limit = 65_536;
  const fixed = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nA: \r\n\r\n';
  const value = 'x'.repeat(limit - fixed.length);
  const bytes = Buffer.from(`${fixed.replace('A: ', `A: ${value}`)}!`, 'latin1');
  const parts: string[] = [];
  const parser = new ResponseParser(
    {
      onHead: (head) => parts.push(head.lines),
      onBody: (chunk) => parts.push(Buffer.from(chunk).toString()),
      onComplete: () => parts.push('end'),
    },
    { head: limit },
  );
  parser.start('GET');
  for (let at = 0; at < bytes.length; at += 1) assert.equal(parser.push(bytes.subarray(at, at + 1), 1), 1);
  assert.deepEqual(parts, [`200 OK\r\nA: ${value}`, '!', 'end']);
});

test('several messages in one buffer', () => {
  const first = 'HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\nhi';
  const second = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nB: 2\r\n\r\n';
  const bytes = Buffer.from(first + second, 'latin1');
  const heads: ResponseHead[] = [];
  const parser = new ResponseParser(
    { onHead: (head) => heads.push(head), onBody: () => {}, onComplete: () => {} },
    { head: 1024 },
  );
  assert.equal(parser.push(bytes, bytes.length), 0, 'nothing is expected yet');
  parser.start('GET');
  assert.equal(parser.push(bytes, bytes.length), first.length);
  assert.equal(parser.push(bytes, bytes.length), 0);
  parser.start('GET');
  assert.equal(parser.push(bytes.subarray(first.length), second.length), second.length);
  assert.deepEqual(
    heads.map((head) => [head.status, head.lines]),
    [
      [200, '200 OK\r\nA: 1'],
      [204, '204 No Content\r\nB: 2'],
    ],
  );
});

class Thrower implements ResponseEvents {
  at = '';
  seen: string[] = [];
  onHead(): void {
    this.#reach('head');
  }
  onBody(): void {
    this.#reach('body');
  }
  onComplete(): void {
    this.#reach('complete');
  }
  #reach(event: string): void {
    this.seen.push(event);
    if (event === this.at) throw new Error(event);
  }
}

for (const event of ['head', 'body']) {
  test(`a throw from the ${event} event ends the message`, () => {
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd', 'latin1');
    const events = new Thrower();
    const parser = new ResponseParser(events, { head: 1024 });
    parser.start('GET');
    events.at = event;
    assert.throws(() => parser.push(bytes, bytes.length - 2), { message: event });
    assert.equal(parser.finish(), false);
    assert.equal(parser.push(bytes, bytes.length), -1);
    assert.equal(parser.fault, 'interrupted');
    events.at = '';
    events.seen = [];
    parser.start('GET');
    assert.equal(parser.push(bytes, bytes.length), bytes.length);
    assert.deepEqual(events.seen, ['head', 'body', 'complete']);
  });
}

test('a throw from the complete event leaves a message that has ended', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'latin1');
  const events = new Thrower();
  const parser = new ResponseParser(events, { head: 1024 });
  parser.start('GET');
  events.at = 'complete';
  assert.throws(() => parser.push(bytes, bytes.length), { message: 'complete' });
  assert.equal(parser.push(bytes, bytes.length), 0);
  assert.equal(parser.fault, undefined);
});

test('a push from within an event is refused', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd', 'latin1');
  const inner: number[] = [];
  const parser: ResponseParser = new ResponseParser(
    {
      onHead: () => inner.push(parser.push(bytes, 4)),
      onBody: () => assert.fail(),
      onComplete: () => assert.fail(),
    },
    { head: 1024 },
  );
  parser.start('GET');
  assert.equal(parser.push(bytes, bytes.length), -1);
  assert.deepEqual(inner, [-1]);
  assert.equal(parser.fault, 'interrupted');
});

test('the end of a message may start the next', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd', 'latin1');
  let ends = 0;
  const parser: ResponseParser = new ResponseParser(
    {
      onHead: () => {},
      onBody: () => {},
      onComplete: () => {
        ends += 1;
        parser.start('HEAD');
      },
    },
    { head: 1024 },
  );
  parser.start('GET');
  assert.equal(parser.push(bytes, bytes.length), bytes.length);
  assert.equal(parser.started, false);
  assert.equal(parser.push(bytes, bytes.length), bytes.length - 4, 'the second has no body');
  assert.equal(ends, 2);
});
