import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { member, parseObject } from '../../src/auth/read/strict-json.ts';
import { TokenBuffer } from '../../src/auth/read/token-buffer.ts';

const buffer = new TokenBuffer();
const decodeObject = (segment: string) => {
  const text = buffer.decode(segment);
  return text === undefined ? undefined : parseObject(text);
};

const segment = (text: string | Buffer): string => Buffer.from(text as string).toString('base64url');

test('an object is returned as it was written', () => {
  const object = { a: 1, b: { c: [1, { d: 'x:y"\\' }] }, 'e:f': '\\', g: [[], {}, [{}]] };
  assert.deepEqual(decodeObject(segment(JSON.stringify(object))), object);
  assert.deepEqual(decodeObject(segment('{}')), {});
});

test('any object without repeated names is accepted, and refused once a name is repeated', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (object) => {
      const text = JSON.stringify(object);
      assert.deepEqual(decodeObject(segment(text)), JSON.parse(text));
      const inner = text.slice(1, -1);
      if (inner !== '') assert.equal(decodeObject(segment(`{${inner},${inner}}`)), undefined);
    }),
    { numRuns: 300 },
  );
});

test('a repeated member is refused at any depth and under any escape', () => {
  const texts = ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"x":{"a":1,"a":2}}', '{"x":[{"a":1,"a":2}]}'];
  const more = ['{"a":{"b":1},"a":1}', '{"a":1,"a":{"b":1}}', '{"__proto__":1,"__proto__":2}', '{"":0,"":1}'];
  for (const text of [...texts, ...more]) assert.equal(decodeObject(segment(text)), undefined, text);
});

test('white space and strings do not hide a repeated member', () => {
  for (const space of [' ', '\t', '\n', '\r', ' \r\n\t ']) {
    for (const text of [
      `{"a"${space}:1,"a":1}`,
      `{"a"${space}:1,"a"${space}:1}`,
      `{"a":":","a"${space}:":"}`,
    ]) {
      assert.equal(decodeObject(segment(text)), undefined, JSON.stringify(text));
    }
    const text = `{"a"${space}:${space}"b :","c${space === ' ' ? ' ' : ''}:"${space}:"d\\":"}`;
    assert.deepEqual(decodeObject(segment(text)), JSON.parse(text), JSON.stringify(text));
  }
});

test('a colon, a brace or a quote inside a string does not confuse the count', () => {
  for (const text of ['{"a":"b:c"}', '{"a\\"b:":1}', '{"a":"\\\\","b":":"}', '{"a":"{[:"}']) {
    assert.deepEqual(decodeObject(segment(text)), JSON.parse(text), text);
  }
});

test('text that is not one JSON object is refused', () => {
  const texts = [
    '',
    ' ',
    'null',
    '1',
    '"a"',
    '[]',
    '[{}]',
    '{',
    '{}}',
    '{} {}',
    '{"a":1,}',
    "{'a':1}",
    '\ufeff{}',
  ];
  for (const text of [...texts, '{"a":NaN}', '{"a":01}', '{}\0']) {
    assert.equal(decodeObject(segment(text)), undefined, JSON.stringify(text));
  }
});

test('bytes that are not UTF-8 are refused', () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const text = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    assert.equal(decodeObject(segment(text)), undefined, text.toString('hex'));
  }
});

test('nesting has at most 32 levels', () => {
  const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
  assert.notEqual(decodeObject(segment(nested(32))), undefined);
  assert.equal(decodeObject(segment(nested(33))), undefined);
  assert.equal(decodeObject(segment(`{"a":${'['.repeat(100_000)}`)), undefined);
});

test('a segment has one spelling: no padding, no other alphabet, no stray bits', () => {
  assert.equal(buffer.decode('eyJhIjoxfQ'), '{"a":1}');
  assert.equal(buffer.isCanonical('eyJhIjoxfQ'), true);
  const others = [
    'eyJhIjoxfQ==',
    'eyJhIjoxfR',
    'eyJhIjoxfS',
    'eyJhIjox fQ',
    'eyJhIjoxfQ\n',
    'a',
    '+/+/',
    '_-+_',
  ];
  for (const text of [...others, 'eyJhIjoxf\u0151', 'eyJhIjoxf\u0151'.repeat(10_000)]) {
    assert.equal(buffer.decode(text), undefined, JSON.stringify(text.slice(0, 99)));
    assert.equal(buffer.isCanonical(text), false, JSON.stringify(text.slice(0, 99)));
  }
});

test('a replacement character in the original text is kept', () => {
  assert.deepEqual(decodeObject(segment('{"a":"\ufffd"}')), { a: '\ufffd' });
});

test('texts longer than the working memory are treated alike', () => {
  for (const length of [16_000, 16_384, 16_385, 100_000]) {
    const text = `{"a":"${'x'.repeat(length)}"}`;
    assert.equal(buffer.decode(segment(text)), text);
    assert.equal(buffer.isCanonical(segment(text)), true);
    assert.equal(buffer.copy(text), text);
  }
});

test('any bytes in canonical spelling are accepted if they are UTF-8, and no others', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const spelled = Buffer.from(bytes).toString('base64url');
      assert.equal(buffer.isCanonical(spelled), true);
      const text = Buffer.from(bytes).toString('utf8');
      assert.equal(buffer.decode(spelled), isUtf8(bytes) ? text : undefined);
    }),
    { numRuns: 1000 },
  );
});

test('an inherited name is not a member', () => {
  const object = decodeObject(segment('{"a":1}')) ?? {};
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal(member(object, name), undefined);
  }
  assert.equal(member(decodeObject(segment('{"__proto__":5}')) ?? {}, '__proto__'), 5);
});
