import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS, Outline } from '../../src/auth/read/json-outline.ts';
import { parseObject } from '../../src/auth/read/strict-json.ts';

const wanted = ['iss', 'aud', 'exp', 'kid1'];
const outline = new Outline(wanted);

/** What the outline reads from a text: its members with the offset of their value; undefined when it refuses the text. */
function outlined(text: string, behind = ''): Record<string, unknown> | undefined {
  const bytes = Buffer.from(text + behind);
  const length = Buffer.byteLength(text);
  if (outline.of(bytes, length) < 0) return undefined;
  const found: Record<string, unknown> = {};
  for (const [slot, name] of wanted.entries()) {
    const start = outline.starts[slot] as number;
    if (start >= 0) found[name] = JSON.parse(bytes.toString('utf8', start, outline.ends[slot]));
  }
  return found;
}

/** The same from the language's own parser; also undefined when a wanted name occurs twice. */
function parsed(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  const names: string[] = [];
  try {
    value = JSON.parse(text, function note(this: unknown, name, inner: unknown) {
      if (this === value) names.push(name);
      return inner;
    });
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const own = value as Record<string, unknown>;
  return Object.fromEntries(
    wanted.filter((name) => Object.hasOwn(own, name)).map((name) => [name, own[name]]),
  );
}

const agree = (text: string): void => {
  const expected = parsed(text);
  for (const behind of ['', '"', '\\', '}]', 'e5,"iss":1}']) {
    assert.deepEqual(outlined(text, behind), expected, JSON.stringify(text));
  }
};

describe("the outline agrees with the language's parser", () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\\u',
    '0069',
    'ss',
    '"iss"',
    '"aud"',
    '"a"',
    ' ',
    '\n',
  ];
  const values = [
    '0',
    '-',
    '1',
    '.5',
    'e',
    'E+',
    'true',
    'fals',
    'null',
    '\u0001',
    'é',
    '一',
    '😀',
    '\\"',
    '\\/',
  ];

  test('on texts assembled from pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces, ...values), { maxLength: 24 }), (some) => {
        const text = some.join('');
        for (const one of [text, `{"x":${text}}`, `{"x":"${text}"}`, `{"x":[${text}],"iss":1}`]) {
          // A repeated name is ambiguous, and the outline refuses it.
          if (parsed(one) !== undefined && outlined(one) === undefined) {
            assert.ok(wanted.some((name) => one.split(name).length > 2) || /0069/.test(one), one);
          } else agree(one);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('on written objects, and with one character changed', () => {
    const names = fc.oneof(fc.constantFrom(...wanted, 'kid', 'is', 'isss', '', '\0iss', 'ｉss'), fc.string());
    fc.assert(
      fc.property(
        fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 8 }),
        fc.nat(),
        fc.constantFrom(...pieces, ...values, ''),
        (object, at, piece) => {
          const text = JSON.stringify(object, null, at % 3);
          agree(text);
          const cut = at % (text.length + 1);
          const changed = text.slice(0, cut) + piece + text.slice(cut + 1);
          if (parsed(changed) === undefined) assert.equal(outlined(changed), undefined, changed);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('on a special byte at every place among plain ones', () => {
    for (let before = 0; before < 24; before += 1) {
      for (let after = 0; after < 12; after += 1) {
        for (const byte of [
          '"',
          '\\',
          '\\n',
          '\\"',
          '\\u00e9',
          '\\u00g9',
          '\u0000',
          '\u001f',
          '\u007f',
          'é',
          '\x80',
        ]) {
          agree(
            `{"${'a'.repeat(before)}${byte}${'b'.repeat(after)}":"${'c'.repeat(after)}${byte}","iss":"x"}`,
          );
        }
      }
    }
  });
});

test('a wanted name is found in any escapes, and no other name matches it', () => {
  const value = (name: string): unknown => outlined(`{"${name}":"x"}`);
  for (const name of ['iss', '\\u0069ss', '\\u0069\\u0073\\u0073', 'is\\u0073', 'i\\u0073s']) {
    assert.deepEqual(value(name), { iss: 'x' }, name);
  }
  assert.deepEqual(value('kid\\u0031'), { kid1: 'x' });
  for (const name of [
    'is',
    'isss',
    '\\u0000iss',
    'iss\\u0000',
    '\\u0169ss',
    '\\u2069ss',
    '\\tss',
    'kid12',
    'Iss',
  ]) {
    assert.deepEqual(value(name), {}, name);
  }
  assert.equal(outlined('{"iss":1,"\\u0069ss":2}'), undefined);
  assert.deepEqual(outlined('{"a":{"iss":1},"iss":2}'), { iss: 2 });
});

test('a name that does not fit into one number cannot be wanted', () => {
  for (const name of ['', 'scope', 'é', 'a b']) assert.throws(() => new Outline([name]), RangeError);
});

test('limits are given, and hold for what is parsed too', () => {
  const limits = { ...LIMITS, parts: 7 };
  assert.deepEqual(parseObject('{"a":1,"b":2}', limits), { a: 1, b: 2 });
  assert.equal(parseObject('{"a":1,"b":{"c":""}}', limits), undefined);
});
