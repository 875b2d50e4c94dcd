import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foreignJson, foreignText, seenJson, withoutTokens } from '../../src/lib/foreign-text.ts';

describe('a foreign text', () => {
  for (const [what, given, shown] of [
    ['is shown as it is', 'key-1 Schlüssel 鍵 🔑', 'key-1 Schlüssel 鍵 🔑'],
    ['has no control of C0', 'a\u001b[2Jb\r\n\0', 'a\\u001b[2Jb\\u000d\\u000a\\u0000'],
    ['has no DEL', 'a\u007f', 'a\\u007f'],
    ['has no control of C1', '\u009b31mred\u0085', '\\u009b31mred\\u0085'],
    ['has no bidirectional order', '\u202eabc\u2066d\u200f', '\\u202eabc\\u2066d\\u200f'],
    ['has no invisible characters', 'a\u200b\ufeff\u00ad', 'a\\u200b\\ufeff\\u00ad'],
    ['has no end of a line or paragraph', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['has no half of a pair', 'a\ud83d b\udd11', 'a\\ud83d b\\udd11'],
    ['has no tags beyond the basic plane', 'a\u{e0041}', 'a\\udb40\\udc41'],
  ] as const) {
    test(what, () => {
      assert.equal(foreignText(given), shown);
      assert.equal(foreignText(shown), shown, 'a second time');
    });
  }

  test('is cut, and never in the middle of a pair', () => {
    assert.equal(foreignText('x'.repeat(200)), 'x'.repeat(200));
    assert.equal(foreignText('x'.repeat(900_000)), `${'x'.repeat(200)}…`);
    assert.equal(foreignText('\u009b'.repeat(900_000)).length, 6 * 200 + 1);
    assert.equal(foreignText('ab🔑c', 3), 'ab…');
    assert.equal(foreignText('ab🔑c', 4), 'ab🔑…');
  });

  test('is the same text in JSON', () => {
    const odd = 'a"\\\n\u009b\u202e\u{e0041}\u007fé';
    const json = foreignJson(odd);
    assert.equal(JSON.parse(json), odd);
    assert.match(json, /^[\x20-\x7eé]*$/);
    assert.equal(foreignJson('abcdef', 3), '"abc…"');
  });

  test('leaves JSON unchanged if all of it is visible', () => {
    const json = '{"a":"\\u001b é"}\n';
    assert.equal(seenJson(json), json);
    assert.equal(seenJson('{"a":"\u009b"}\n'), '{"a":"\\u009b"}\n');
  });
});

test('a text for a log loses everything that looks like a token, and nothing else', () => {
  for (const [given, shown] of [
    ['/x/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_/y', '/x/[token]/y'],
    ['eyJhbGci and eyJhbGci.', '[token] and [token]'],
    ['a=eyJhbGciOi', 'a=[token]'],
    ['eyJhbG', 'eyJhbG'],
    ['/keys/e30.e30.x', '/keys/e30.e30.x'],
  ] as const) {
    assert.equal(withoutTokens(given), shown);
    assert.equal(withoutTokens(given), shown, 'a second time');
  }
});
