import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyDecoder, requestChunks, responseChunks } from '../../../src/http/h1/body-decoder.ts';

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
  const decoder = new BodyDecoder(responseChunks);
  decoder.start('length', 5, 0);
  assert.deepEqual(decode(decoder, '..abc', 2), [['abc'], 'more', 5]);
  assert.deepEqual(decode(decoder, 'defg'), [['de'], 'end', 2]);
  assert.deepEqual(decode(decoder, 'xyz'), [[], 'end', 0]);
});

test('a message without a body ends at once, also without bytes', () => {
  const decoder = new BodyDecoder(responseChunks);
  for (const start of [() => decoder.start('none', 7, 0), () => decoder.start('length', 0, 0)]) {
    start();
    assert.deepEqual(decode(decoder, ''), [[], 'end', 0]);
    assert.deepEqual(decode(decoder, 'abc'), [[], 'end', 0]);
  }
});

test('a body until close never ends by itself', () => {
  const decoder = new BodyDecoder(responseChunks);
  decoder.start('close', -1, 0);
  assert.deepEqual(decode(decoder, 'abc'), [['abc'], 'more', 3]);
  assert.deepEqual(decode(decoder, '0\r\n\r\n'), [['0\r\n\r\n'], 'more', 5]);
});

test('chunks are found with the bytes cut in any place', () => {
  const decoder = new BodyDecoder(responseChunks);
  decoder.start('chunked', -1, 100);
  assert.deepEqual(decode(decoder, '3\r\nab'), [['ab'], 'more', 5]);
  assert.deepEqual(decode(decoder, 'c\r\n2;x\r\nde\r'), [['c', 'de'], 'more', 11]);
  assert.deepEqual(decode(decoder, '\n0\r\nT: 1\r\n\r'), [[], 'more', 11]);
  assert.deepEqual(decode(decoder, '\nHTTP'), [[], 'end', 1]);
});

test('a fault does not outlive its message', () => {
  const decoder = new BodyDecoder(responseChunks);
  decoder.start('chunked', -1, 100);
  assert.deepEqual(decode(decoder, '1;xx\r\nab'), [['a'], 'fault', 7]);
  assert.equal(decoder.fault, 'chunk_end');
  decoder.start('chunked', -1, 100);
  assert.equal(decoder.fault, undefined);
  assert.deepEqual(decode(decoder, '1\r\na\r\n0\r\n\r\n'), [['a'], 'end', 11]);
});

test('extensions are counted for each message anew', () => {
  const decoder = new BodyDecoder(responseChunks);
  const body = `0;${'x'.repeat(16_384)}\r\n\r\n`;
  for (let message = 0; message < 2; message += 1) {
    decoder.start('chunked', -1, 2);
    assert.deepEqual(decode(decoder, body), [[], 'end', body.length]);
  }
});

test('a request keeps to the grammar of chunks where a response may differ from it', () => {
  const padded = `${'0'.repeat(12)}1`;
  for (const [text, fault] of [
    [`${padded}\r\na\r\n0\r\n\r\n`, 'chunk_size'],
    ['1 \r\na\r\n0\r\n\r\n', 'chunk_size'],
    ['1\t\r\na\r\n0\r\n\r\n', 'chunk_size'],
    ['1 ;x\r\na\r\n0\r\n\r\n', 'chunk_size'],
    ['1; x\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x =y\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x= y\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x=\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x;\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;="y"\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x="y\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x="y"z\r\na\r\n0\r\n\r\n', 'chunk_extension'],
    ['1;x="\\\r\na\r\n0\r\n\r\n', 'chunk_extension'],
  ] as const) {
    const response = new BodyDecoder(responseChunks);
    response.start('chunked', -1, 100);
    assert.deepEqual(decode(response, text), [['a'], 'end', text.length], text);
    const request = new BodyDecoder(requestChunks);
    request.start('chunked', -1, 100);
    assert.equal(decode(request, text)[1], 'fault', text);
    assert.equal(request.fault, fault, text);
  }
});

test('extensions by the grammar pass in both', () => {
  for (const rules of [requestChunks, responseChunks]) {
    const decoder = new BodyDecoder(rules);
    for (const extension of [';x', ';x=y', ';x="y z\t\xff"', ';a="\\"";b;c=d', ';x=""', ';*=!']) {
      decoder.start('chunked', -1, 100);
      const text = `1${extension}\r\na\r\n0${extension}\r\n\r\n`;
      assert.deepEqual(decode(decoder, text), [['a'], 'end', text.length], text);
    }
  }
});

test('the trailer section is kept, from each message anew', () => {
  for (const rules of [requestChunks, responseChunks]) {
    const decoder = new BodyDecoder(rules);
    for (let message = 0; message < 2; message += 1) {
      decoder.start('chunked', -1, 100);
      for (const piece of ['0\r\nA', ': 1\r\nB:2 \r', '\n\r'])
        assert.equal(decode(decoder, piece)[1], 'more');
      assert.equal(decode(decoder, '\nGET')[1], 'end');
      assert.equal(decoder.trailerLines, 'A: 1\r\nB:2 \r\n\r\n');
    }
    for (const pieces of [['0\r\n\r\n'], ['0\r\n\r', '\n'], ['0\r\n', '\r\n']]) {
      decoder.start('chunked', -1, 100);
      for (const piece of pieces) decode(decoder, piece);
      assert.deepEqual([decoder.step, decoder.trailerLines], ['end', ''], 'the empty line alone is none');
    }
  }
});
