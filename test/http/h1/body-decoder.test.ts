import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyDecoder } from '../../../src/http/h1/body-decoder.ts';

/** Decodes [from, text length) up to the next stop that is not data; the data, the stop and its offset. */
function decode(decoder: BodyDecoder, text: string, from = 0): [string[], string, number] {
  const bytes = Buffer.from(text, 'latin1');
  const pieces: string[] = [];
  let at = from;
  for (;;) {
    at = decoder.decode(bytes, at, bytes.length);
    if (decoder.step !== 'data') return [pieces, decoder.step, at];
    pieces.push(bytes.toString('latin1', decoder.dataStart, decoder.dataEnd));
  }
}

test('a body of fixed length stops at its end', () => {
  const decoder = new BodyDecoder();
  decoder.start('length', 5, 0);
  assert.deepEqual(decode(decoder, '..abc', 2), [['abc'], 'more', 5]);
  assert.deepEqual(decode(decoder, 'defg'), [['de'], 'end', 2]);
  assert.deepEqual(decode(decoder, 'xyz'), [[], 'end', 0]);
});

test('a message without a body ends at once, also without bytes', () => {
  const decoder = new BodyDecoder();
  for (const start of [() => decoder.start('none', 7, 0), () => decoder.start('length', 0, 0)]) {
    start();
    assert.deepEqual(decode(decoder, ''), [[], 'end', 0]);
    assert.deepEqual(decode(decoder, 'abc'), [[], 'end', 0]);
  }
});

test('a body until close never ends by itself', () => {
  const decoder = new BodyDecoder();
  decoder.start('close', -1, 0);
  assert.deepEqual(decode(decoder, 'abc'), [['abc'], 'more', 3]);
  assert.deepEqual(decode(decoder, '0\r\n\r\n'), [['0\r\n\r\n'], 'more', 5]);
});

test('chunks are found with the bytes cut in any place', () => {
  const decoder = new BodyDecoder();
  decoder.start('chunked', -1, 100);
  assert.deepEqual(decode(decoder, '3\r\nab'), [['ab'], 'more', 5]);
  assert.deepEqual(decode(decoder, 'c\r\n2;x\r\nde\r'), [['c', 'de'], 'more', 11]);
  assert.deepEqual(decode(decoder, '\n0\r\nT: 1\r\n\r'), [[], 'more', 11]);
  assert.deepEqual(decode(decoder, '\nHTTP'), [[], 'end', 1]);
});

test('a fault does not outlive its message', () => {
  const decoder = new BodyDecoder();
  decoder.start('chunked', -1, 100);
  assert.deepEqual(decode(decoder, '1;xx\r\nab'), [['a'], 'fault', 7]);
  assert.equal(decoder.fault, 'chunk_end');
  decoder.start('chunked', -1, 100);
  assert.equal(decoder.fault, undefined);
  assert.deepEqual(decode(decoder, '1\r\na\r\n0\r\n\r\n'), [['a'], 'end', 11]);
});

test('extensions are counted for each message anew', () => {
  const decoder = new BodyDecoder();
  const body = `0;${'x'.repeat(16_384)}\r\n\r\n`;
  for (let message = 0; message < 2; message += 1) {
    decoder.start('chunked', -1, 2);
    assert.deepEqual(decode(decoder, body), [[], 'end', body.length]);
  }
});
