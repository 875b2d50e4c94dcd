import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isContentLength } from '../../src/http/h1/content-length.ts';
import { fieldLineBytes, requestHeadBytes } from '../../src/http/h1/head-size.ts';
import { isRefusedMethod, isServable } from '../../src/http/request-rules.ts';
import { isToken } from '../../src/http/token.ts';

describe('the rules of a request', () => {
  test('let methods be tokens, except CONNECT and TRACE', () => {
    for (const method of ['GET', 'HEAD', 'QUERY', 'get', 'M-SEARCH', "!#$%&'*+.^_`|~-", 'CONNECT2']) {
      assert.ok(isServable(method, '/', undefined), method);
    }
    for (const method of ['', 'GE T', 'GET\t', 'GÉT', 'G(', 'CONNECT', 'TRACE', 'a\n']) {
      assert.ok(!isServable(method, '/', undefined), method);
    }
    assert.deepEqual(['CONNECT', 'TRACE', 'connect', 'GET'].map(isRefusedMethod), [true, true, false, false]);
  });

  test('let targets be visible ASCII that begins with a slash and has no fragment', () => {
    for (const [path, query] of [
      ['/', undefined],
      ['//', ''],
      ['/a?', 'b?c=~'],
    ] as const) {
      assert.ok(isServable('POST', path, query), path);
    }
    for (const [path, query] of [
      ['', undefined],
      ['*', undefined],
      ['http://host/', undefined],
      ['/a#b', undefined],
      ['/a b', undefined],
      ['/\x7f', undefined],
      ['/é', undefined],
      ['/', '#'],
      ['/', 'a b'],
      ['/', '\u0100'],
    ] as const) {
      assert.ok(!isServable('GET', path, query), path);
    }
  });

  test('take one number of at most 15 digits for a length', () => {
    for (const value of ['0', '00', '7', '9'.repeat(15)]) assert.ok(isContentLength(value), value);
    for (const value of ['', '+1', '-1', '1 ', '1, 1', '1,1', '0x1', '1.0', '1e3', '9'.repeat(16), '1\n']) {
      assert.ok(!isContentLength(value), value);
    }
  });

  test('know a token', () => {
    assert.ok(isToken('X-User_Id'));
    for (const text of ['', ' a', 'a:', 'a\n', 'ü']) assert.ok(!isToken(text), text);
  });

  test('count the bytes that a head has on the wire', () => {
    for (const [target, path, query] of [
      ['/', '/', undefined],
      ['/a?', '/a', ''],
      ['/a?b=c', '/a', 'b=c'],
    ] as const) {
      const head = `DELETE ${target} HTTP/1.1\r\nhost: a\r\naccept: */*\r\n\r\n`;
      const fields = fieldLineBytes('host', 'a') + fieldLineBytes('accept', '*/*');
      assert.equal(requestHeadBytes('DELETE', path, query, fields), head.length);
    }
  });
});
