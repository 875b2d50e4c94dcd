import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Audience } from '../../src/auth/policy/audience.ts';
import { AudienceNames, MAX_AUDIENCES } from '../../src/auth/read/audience-names.ts';
import { Outline } from '../../src/auth/read/json-outline.ts';

const outline = new Outline(['aud']);

/** Reads `aud` of a text, written as JSON, into the book. */
function read(book: AudienceNames, aud: string): void {
  const bytes = Buffer.from(`{"x":"app-1","aud":${aud},"y":0}`);
  assert.ok(outline.of(bytes, bytes.length) >= 0, aud);
  book.read(bytes, outline.starts[0] as number, outline.ends[0] as number);
}

const escapes = (text: string): string =>
  [...text].map((one, at) => (at % 2 === 0 ? JSON.stringify(one).slice(1, -1) : unitEscapes(one))).join('');
const unitEscapes = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

test('what is read of a text is what the parsed claim says, for every issuer and both ways to match', () => {
  const some = ['app-1', 'app-2', 'https://a.example/b', 'é', '一😀', 'a"b\\', '\n'];
  const name = fc.oneof(fc.constantFrom(...some, 'app-3', '', 'app-1 '), fc.string());
  const names = fc.uniqueArray(fc.constantFrom(...some), { minLength: 1, maxLength: 3 });
  const value = fc.oneof(name, fc.array(name, { maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(
      fc.array(names, { minLength: 1, maxLength: 4 }),
      value,
      fc.boolean(),
      (wanted, aud, inEscapes) => {
        const book = new AudienceNames();
        const all = wanted.flatMap((one) => [new Audience(one, 'any', book), new Audience(one, 'all', book)]);
        const written = JSON.stringify(aud, (_, inner) => inner as unknown, 1);
        // An escape in another spelling, where a text has none.
        const spelled = inEscapes ? written.replace(/app|😀|\//g, unitEscapes) : written;
        read(book, spelled);
        for (const audience of all) assert.equal(audience.acceptsNamed(), audience.accepts(aud), spelled);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a name is found in any escapes, and half a character is none', () => {
  for (const name of ['app-1', 'https://a.example/b', 'é', '一', '😀', '"\\/\b\f\n\r\t', 'a😀b']) {
    const book = new AudienceNames();
    const number = book.add(name);
    for (const written of [JSON.stringify(name), `"${unitEscapes(name)}"`, `["x","${escapes(name)}"]`]) {
      read(book, written);
      assert.ok(book.has(number), written);
    }
    read(book, JSON.stringify(`${name}x`));
    assert.ok(!book.has(number));
  }
  const book = new AudienceNames();
  const number = book.add('😀');
  for (const written of [
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ude00\\ud83d"',
    '["\\ud83d","\\ude00"]',
    '"\\ud83dx\\ude00"',
  ]) {
    read(book, written);
    assert.ok(!book.has(number), written);
  }
});

test('names of which all that is compared first is the same are told apart', () => {
  const book = new AudienceNames();
  const numbers = ['a12b34c', 'a21b34c', 'a12b43c', 'a99b99c'].map((name) => book.add(name));
  assert.equal(new Set(numbers).size, 4);
  assert.equal(book.add('a21b34c'), numbers[1]);
  read(book, '["a12b43c","a00b00c"]');
  assert.deepEqual(
    numbers.map((number) => book.has(number)),
    [false, false, true, false],
  );
});

test('names end at their limit, and a token with more names none', () => {
  const book = new AudienceNames();
  const number = book.add('app-1');
  const list = (count: number): string => JSON.stringify([...Array(count - 1).fill('x'), 'app-1']);
  read(book, list(MAX_AUDIENCES));
  assert.ok(book.has(number));
  for (const more of [
    list(MAX_AUDIENCES + 1),
    JSON.stringify(['app-1', ...Array(MAX_AUDIENCES).fill('x')]),
  ]) {
    read(book, more);
    assert.ok(!book.has(number));
  }
});

test('nothing of one token is left for the next', () => {
  const book = new AudienceNames();
  const number = book.add('app-1');
  read(book, '"app-1"');
  assert.ok(book.has(number));
  for (const other of ['"app-2"', '[]', '{}', '1', 'null', '["app-1",1]']) {
    read(book, other);
    assert.ok(!book.has(number), other);
    read(book, '["app-1"]');
    assert.ok(book.has(number));
  }
  book.read(Buffer.from('{}'), -1, 0);
  assert.ok(!book.has(number));
});
