import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agree } from './agreement.ts';
import { playToNode } from './node-server.ts';
import { bodies } from './request-body-rows.ts';
import { heads } from './request-head-rows.ts';
import { Player } from './request-player.ts';
import { get } from './request-row.ts';

for (const row of [...heads, ...bodies]) {
  test(`${row.name}: llhttp reads what passes in the same way`, async () => {
    const bytes = Buffer.from(row.bytes, 'latin1');
    await agree(bytes, new Player().play([bytes], row.limits));
  });
}

test('a message that llhttp reads in another way is noticed', async () => {
  const bytes = Buffer.from(`${get('A: 1', 'Content-Length: 2').replace(' /', ' /b?c')}hi`, 'latin1');
  const outcome = new Player().play([bytes]);
  await agree(bytes, outcome);
  const [message] = outcome.messages;
  assert.ok(message !== undefined);
  for (const wrong of [
    { line: 'GET /b HTTP/1.1' },
    { line: 'PUT /b?c HTTP/1.1' },
    { line: 'GET /b?c HTTP/1.0' },
    { fields: 'host: a\na: 2\ncontent-length: 2' },
    { body: 'ho' },
    { trailers: 'a: 1' },
    { end: message.end - 1 },
    { complete: false },
  ]) {
    await assert.rejects(
      agree(bytes, { ...outcome, messages: [{ ...message, ...wrong }] }),
      assert.AssertionError,
      JSON.stringify(wrong),
    );
  }
});

test('Node reads bytes that are played to it', async () => {
  const { requests, refused } = await playToNode(Buffer.from(get() + get(), 'latin1'));
  assert.deepEqual([requests.length, refused], [2, false]);
  assert.equal((await playToNode(Buffer.from('GET / HTTP/1.1\n\n', 'latin1'))).refused, true);
});
