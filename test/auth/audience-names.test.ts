import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Audience } from '../../src/auth/policy/audience.ts';
import { AudienceNames, MAX_AUDIENCES } from '../../src/auth/read/audience-names.ts';
import { OutlinedClaims } from '../../src/auth/read/outlined-claims.ts';

/** The claims of a token whose `aud` is this JSON text, outlined. */
function outlined(audiences: AudienceNames, aud: string): OutlinedClaims {
  const claims = new OutlinedClaims(audiences);
  const bytes = Buffer.from(`{"x":"app-1","aud":${aud},"y":0}`);
  assert.ok(claims.read(bytes, bytes.length) >= 0, aud);
  return claims;
}

/** Reads the audiences of a token whose `aud` is this JSON text. */
function read(audiences: AudienceNames, aud: string): void {
  outlined(audiences, aud).readAudience();
}

const escapes = (text: string): string =>
  [...text].map((one, at) => (at % 2 === 0 ? JSON.stringify(one).slice(1, -1) : unitEscapes(one))).join('');
const unitEscapes = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

test('reading the text gives what the parsed claim says, for every issuer and both ways to match', () => {
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
        const audiences = new AudienceNames();
        const all = wanted.flatMap((one) => [
          new Audience(one, 'any', audiences),
          new Audience(one, 'all', audiences),
        ]);
        const written = JSON.stringify(aud, (_, inner) => inner as unknown, 1);
        // Escapes a character that the text has written plainly.
        const spelled = inEscapes ? written.replace(/app|😀|\//g, unitEscapes) : written;
        const claims = outlined(audiences, spelled);
        for (const audience of all)
          assert.equal(audience.acceptsOutlined(claims), audience.accepts(aud), spelled);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a name is found in any escapes, and half a surrogate pair is no name', () => {
  for (const name of ['app-1', 'https://a.example/b', 'é', '一', '😀', '"\\/\b\f\n\r\t', 'a😀b']) {
    const audiences = new AudienceNames();
    const number = audiences.add(name);
    for (const written of [JSON.stringify(name), `"${unitEscapes(name)}"`, `["x","${escapes(name)}"]`]) {
      read(audiences, written);
      assert.ok(audiences.has(number), written);
    }
    read(audiences, JSON.stringify(`${name}x`));
    assert.ok(!audiences.has(number));
  }
  const audiences = new AudienceNames();
  const number = audiences.add('😀');
  for (const written of [
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ude00\\ud83d"',
    '["\\ud83d","\\ude00"]',
    '"\\ud83dx\\ude00"',
  ]) {
    read(audiences, written);
    assert.ok(!audiences.has(number), written);
  }
});

test('names that agree in everything that is compared first are distinguished', () => {
  const audiences = new AudienceNames();
  const numbers = ['a12b34c', 'a21b34c', 'a12b43c', 'a99b99c'].map((name) => audiences.add(name));
  assert.equal(new Set(numbers).size, 4);
  assert.equal(audiences.add('a21b34c'), numbers[1]);
  read(audiences, '["a12b43c","a00b00c"]');
  assert.deepEqual(
    numbers.map((number) => audiences.has(number)),
    [false, false, true, false],
  );
});

test('a name longer than the limit is not read, nor any name of a token with too many', () => {
  const audiences = new AudienceNames();
  const number = audiences.add('app-1');
  const list = (count: number): string => JSON.stringify([...Array(count - 1).fill('x'), 'app-1']);
  read(audiences, list(MAX_AUDIENCES));
  assert.ok(audiences.has(number));
  for (const more of [
    list(MAX_AUDIENCES + 1),
    JSON.stringify(['app-1', ...Array(MAX_AUDIENCES).fill('x')]),
  ]) {
    read(audiences, more);
    assert.ok(!audiences.has(number));
  }
});

test('nothing of one token is kept for the next', () => {
  const audiences = new AudienceNames();
  const number = audiences.add('app-1');
  read(audiences, '"app-1"');
  assert.ok(audiences.has(number));
  for (const other of ['"app-2"', '[]', '{}', '1', 'null', '["app-1",1]']) {
    read(audiences, other);
    assert.ok(!audiences.has(number), other);
    read(audiences, '["app-1"]');
    assert.ok(audiences.has(number));
  }
  audiences.read(Buffer.from('{}'), -1, 0);
  assert.ok(!audiences.has(number));
});
