import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fold as foldTo } from '../../src/http/path.ts';

const fold = (path: string) => foldTo(path, Number.POSITIVE_INFINITY);

const ambiguous: Readonly<Record<string, readonly string[]>> = {
  'empty segments': ['//', '//a', '/a//b', '/a//', '', 'a', '*', 'http://a/b'],
  'dot segments and ends in a dot': [
    '/.',
    '/..',
    '/./a',
    '/a/.',
    '/a/..',
    '/a/../b',
    '/a./b',
    '/a.',
    '/a../b',
  ],
  'several dots': ['/...', '/a/..../b', '/a/b..'],
  'ends in a space': [
    '/a%20',
    '/a%20/b',
    '/a.%20/b',
    '/a%20./b',
    '/%20/a',
    '/a%C2%A0',
    '/a%E3%80%80/b',
    '/a ',
  ],
  'parameters and backslashes': ['/a;v=1', '/;a', '/a/..;/b', '/a/.;x=1/b', '/a\\b', '/a\\..\\b'],
  'wildcards of Windows': ['/a<', '/a>b', '/a"b', '/a%3C', '/a%3e', '/a%22b'],
  'encoded delimiters': [
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a%5Cb',
    '/a%3bb',
    '/a%3B',
    '/a%3fb',
    '/a%3F',
    '/a%23b',
  ],
  'encoded dots': ['/%2e%2e/a', '/a/%2E', '/a/.%2e/b', '/a%2eb'],
  'encoded unreserved characters': [
    '/%61dmin',
    '/%41',
    '/%7a',
    '/%5A',
    '/%30',
    '/%39',
    '/a%2db',
    '/a%5Fb',
    '/%7Ea',
  ],
  'encoded controls': [
    '/a%00',
    '/a%00.b',
    '/a%0ab',
    '/a%0D',
    '/a%09',
    '/a%1f',
    '/a%7f',
    '/a%C2%80',
    '/a%C2%85',
    '/a%C2%9F',
  ],
  'an encoded percent sign': ['/a%25', '/a%252fb', '/a%25%32%66', '/a%2561'],
  'what is no escape': ['/a%', '/a%2', '/a%zz', '/a%u002f', '/a%u2215b', '/%u0061', '/a%%20'],
  'overlong UTF-8': [
    '/a%c0%af',
    '/..%c1%9c',
    '/%c0%ae',
    '/%e0%80%af',
    '/%E0%80%AE',
    '/%f0%80%80%af',
    '/%F8%80%80%80%AF',
    '/%c1%a1dmin',
  ],
  'no UTF-8': [
    '/%e9',
    '/%ff',
    '/%80',
    '/a%C3',
    '/a%C3/b',
    '/a%E2%82',
    '/%ED%A0%80',
    '/%F4%90%80%80',
    '/%83%5c',
  ],
  'compatibility forms of delimiters': [
    '/a%EF%BC%8Fb',
    '/a%ef%bc%8eb',
    '/a%EF%BC%BCb',
    '/a%EF%BC%85b',
    '/a%EF%BC%9Bb',
    '/a%EF%BC%9F',
    '/a%EF%BC%83',
    '/a%E2%80%A4b',
    '/%E2%80%A5/b',
    '/%E2%80%A6/b',
    '/a%EF%B9%92b',
    '/a%EF%B9%94b',
    '/a%EF%B9%A8b',
    '/a%CD%BEb',
    '/%E2%84%80',
  ],
  'best-fit delimiters': [
    '/a%E2%81%84b',
    '/a%E2%88%95b',
    '/a%E2%88%96b',
    '/a%C2%A5b',
    '/a%E2%82%A9b',
    '/a%EF%BF%A5b',
    '/a%D9%AA2fb',
  ],
  'invisible characters': [
    '/a%C2%ADb',
    '/a%E2%80%8Bb',
    '/a%E2%80%AEb',
    '/a%EF%BB%BF',
    '/a%E2%80%A8',
    '/%E2%80%8D/b',
    '/..%E2%80%8D/b',
    '/.%CC%81/b',
    '/a%EF%BF%BD',
  ],
  'streams and short names of Windows': [
    '/a::$DATA',
    '/a::$data',
    '/a%EF%BC%9A%EF%BC%84data',
    '/a:$i30:$INDEX_ALLOCATION/b',
    '/a:%24DATA',
    '/PROTEC~1',
    '/protec~1/x',
    '/PR5A2B~1.HTM',
    '/a~10/b',
    '/a%EF%BD%9E1',
    '/a~%EF%BC%91',
  ],
  'bytes that are no character of a target': ['/a\u00e9', '/a\ufffd', '/a\u0000', '/a\u007f', '/a#b', '/a?b'],
};

describe('ambiguous', () => {
  for (const [kind, paths] of Object.entries(ambiguous)) {
    test(kind, () => {
      for (const path of paths) assert.equal(fold(path), undefined, path);
    });
  }

  test('each ASCII character may be sent in one way only', () => {
    const free = [];
    for (let code = 0; code < 128; code += 1) {
      const hex = code.toString(16).padStart(2, '0');
      const ways = [String.fromCharCode(code), `%${hex}`, `%${hex.toUpperCase()}`];
      const accepted = ways.map((way) => fold(`/a${way}a`) !== undefined);
      assert.equal(accepted[1], accepted[2]);
      if (accepted[1]) free.push(String.fromCharCode(code));
    }
    // Reserved characters differ from their escapes by RFC 3986 §2.2, the others have to be escaped.
    assert.equal(free.join(''), " !$&'()*+,:=@[]^`{|}");
  });
});

describe('a path with one spelling is returned unchanged', () => {
  for (const path of [
    '/',
    '/a/b/',
    '/a.b',
    '/.well-known/x',
    '/..a/.b',
    '/a_b-c/0129',
    "/a'(),:@&=+!*",
    '/a[0]{b}|^`',
    `/${'a/b.c-'.repeat(1000)}x`,
  ]) {
    test(path.slice(0, 40), () => assert.equal(fold(path), path));
  }
});

describe('another path is folded', () => {
  for (const [path, folded] of [
    ['/A/bC', '/a/bc'],
    ['/caf%C3%A9/a%20b', '/cafe/a b'],
    ['/cafe%CC%81', '/cafe'],
    ['/a%40b', '/a@b'],
    ['/%20a', '/a'],
    ['/~user/$metadata', '/~user/$metadata'],
    ['/pool/foo_1.0~1.deb', '/pool/foo_1.0~1.deb'],
    ['/%E2%84%AA', '/k'],
    ['/%C5%BF%C4%B0%C4%B1', '/sii'],
    ['/%EF%BC%A1%EF%BC%91', '/a1'],
    ['/%C5%81%C4%91', '/ld'],
    ['/%CE%91%CE%A3', '/as'],
    ['/%CE%B1%CF%82', '/as'],
    ['/stra%C3%9Fe', '/strasse'],
    ['/%E6%97%A5%E6%9C%AC', '/日本'],
    ['/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB', '/👩💻'],
  ] as const) {
    test(`${path} → ${folded}`, () => assert.equal(fold(path), folded));
  }
});

test('a folded path keeps its segments, and stays the same when folded again', () => {
  const pieces = fc.constantFrom(
    ...[
      'a',
      'B',
      '.',
      '/',
      '%20',
      '%C3%A9',
      '%41',
      '%40',
      '~1',
      ':$',
      '%E2%80%8D',
      '%CC%81',
      '%EF%BD%81',
      '$',
      'ab',
    ],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const path = `/${parts.join('')}`;
      const folded = fold(path);
      if (folded === undefined) return;
      assert.equal(folded.split('/').length, path.split('/').length);
      assert.equal(fold(encodeURI(folded)), folded);
    }),
    { numRuns: 2000 },
  );
});

test('any text is folded or refused, never an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const path of [`/${text}`, `/${encodeURIComponent(text)}`]) {
        const folded = fold(path);
        assert.ok(folded === undefined || folded.startsWith('/'));
      }
    }),
  );
});

test('every character whose compatibility form has a delimiter is refused', () => {
  const missed = [];
  for (let code = 0x80; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    const delimits = [char.normalize('NFKC'), char.normalize('NFKD')].some((form) =>
      /["#%./;<>?\\]/.test(form),
    );
    if (delimits && fold(`/a${encodeURIComponent(char)}b`) !== undefined) missed.push(code.toString(16));
  }
  assert.deepEqual(missed, []);
});

test('a bounded number of segments is folded, and all are judged', () => {
  assert.equal(foldTo('/A/B/C', 1), '/a');
  assert.equal(foldTo('/A/B/C', 2), '/a/b');
  assert.equal(foldTo('/A/B/C', 3), '/a/b/c');
  assert.equal(foldTo('/a/b/c', 1), '/a/b/c');
  for (const path of ['/A/B/%2e', '/A/B/c%EF%BC%8Fd', '/A/B/c%20', '/A/B/c~1']) {
    assert.equal(foldTo(path, 1), undefined, path);
  }
});
