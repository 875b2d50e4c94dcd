import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf, type ResponseHead, withField } from '../../src/http/message.ts';

const head: ResponseHead = {
  status: 200,
  lines: '200 OK\r\nX-A: 1\r\nset-cookie: a=b: c\r\nSet-Cookie: d\r\nX-Empty: ',
  eightBit: false,
  framing: 'length',
  contentLength: 0,
};

test('the fields of a response are those of its lines, in their order', () => {
  assert.deepEqual(fieldsOf(head), [
    ['X-A', '1'],
    ['set-cookie', 'a=b: c'],
    ['Set-Cookie', 'd'],
    ['X-Empty', ''],
  ]);
  assert.equal(fieldsOf(head), fieldsOf(head), 'read once');
  assert.deepEqual(fieldsOf({ ...head, lines: '204 No Content' }), []);
});

test('a head with one more field is another head', () => {
  const more = withField(head, 'X-B', '2');
  assert.deepEqual(fieldsOf(more).at(-1), ['X-B', '2']);
  assert.equal(fieldsOf(head).length, 4);
});
