import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusedHead } from '../../../../src/front/node/h1/refused-head.ts';
import { Player } from './request-player.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Method, path and version that the log may have. */
function shown(text: string, from = 0): readonly unknown[] {
  const bytes = bytesOf(text);
  const { method, path, query, minor, fault, close } = refusedHead(
    'request_malformed',
    bytes,
    from,
    bytes.length,
  );
  assert.deepEqual([query, fault, close], [undefined, 'request_malformed', true]);
  return [method, path, minor];
}

describe('of a refused head the log gets', () => {
  for (const [what, text, expected] of [
    ['the whole line', 'GET /a/b HTTP/1.1\r\nHost: a', ['GET', '/a/b', 1]],
    ['the version', 'GET /a HTTP/1.0\r\n', ['GET', '/a', 0]],
    ['no query', 'GET /a?access_token=x HTTP/1.1\r\n', ['GET', '/a', 1]],
    ['no fragment', 'GET /a#access_token=x HTTP/1.1\r\n', ['GET', '/a', 1]],
    ['a path up to the fault in it', 'GET /a\0b HTTP/1.1\r\n', ['GET', '/a', 1]],
    ['a path that is cut', 'GET /abc', ['GET', '/abc', 1]],
    ['the path of a whole URL', 'GET http://a.example/b?c HTTP/1.1\r\n', ['GET', '/b', 1]],
    ['nothing of a URL with a user', 'GET http://user:secret@a/b HTTP/1.1\r\n', ['GET', '', 1]],
    ['nothing of another target', 'CONNECT a:443 HTTP/1.1\r\n', ['CONNECT', '', 1]],
    ['the method alone', 'GET\t/a HTTP/1.1\r\n', ['GET', '', 1]],
    ['a method that is cut', 'DELE', ['DELE', '', 1]],
    ['nothing of another protocol', '\x16\x03\x01\x02\x00', ['', '', 1]],
    ['nothing of nothing', '', ['', '', 1]],
  ] as const) {
    test(what, () => assert.deepEqual(shown(text), expected));
  }

  test('no more than a line can show', () => {
    assert.deepEqual(shown(`${'M'.repeat(9000)} /${'p'.repeat(9000)} HTTP/1.1\r\n`), [
      'M'.repeat(33),
      `/${'p'.repeat(1024)}`,
      1,
    ]);
  });

  test('what stands from the offset on', () => {
    assert.deepEqual(shown('GET /other HTTP/1.1\r\n\r\nPUT /own HTTP/1.1\r\n', 23), ['PUT', '/own', 1]);
  });
});

test('a head that came in pieces shows its own line, not that of another connection', () => {
  const player = new Player();
  const [one, two] = [player.reader(), player.reader()];
  const read = (reader: typeof one, text: string): void => {
    const bytes = bytesOf(text);
    reader.read(bytes, 0, bytes.length);
  };
  read(one, 'DELETE /one HTTP/1.1\r\nHost: a\r\n');
  read(two, 'GET /two HTTP/1.1\r\nHost: a\r\n\r\n');
  two.takeHead();
  read(one, 'bad field: x\r\n');
  assert.equal(one.step, 'fault');
  const { method, path } = one.takeHead();
  assert.deepEqual([method, path], ['DELETE', '/one']);
});

test('a head that is given up shows what came of it, and is not read on', () => {
  const reader = new Player().reader();
  const bytes = bytesOf('POST /slow?x HTTP/1.1\r\nHos');
  reader.read(bytes, 0, bytes.length);
  const { method, path, fault } = reader.refuse('request_timeout');
  assert.deepEqual([method, path, fault], ['POST', '/slow', 'request_timeout']);
  assert.deepEqual([reader.step, reader.begun], ['fault', false]);
});

test('a head that is too large shows its line, whole or in pieces', () => {
  const limits = { requestHead: 100, headerFields: 3 };
  const text = `GET /large HTTP/1.1\r\nHost: ${'a'.repeat(200)}\r\n\r\n`;
  for (const cut of [text.length, 40, 7]) {
    const reader = new Player().reader(limits);
    for (let at = 0; at < text.length && reader.step !== 'fault'; at += cut) {
      const bytes = bytesOf(text.slice(at, at + cut));
      reader.read(bytes, 0, bytes.length);
    }
    const { method, path, fault } = reader.takeHead();
    assert.deepEqual([method, path, fault], ['GET', '/large', 'request_head_too_large'], `${cut}`);
  }
  const reader = new Player().reader(limits);
  const many = bytesOf('GET /many HTTP/1.1\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n');
  reader.read(many, 0, many.length);
  assert.equal(reader.takeHead().path, '/many');
});
