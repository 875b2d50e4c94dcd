import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasEightBit, hexValues, isFieldByte, spells, tokenBytes } from '../../src/http/ascii.ts';

const every = Array.from({ length: 256 }, (_, byte) => byte);
const textOf = (belongs: (byte: number) => boolean): string =>
  Buffer.from(every.filter(belongs)).toString('latin1');

test('token bytes are those of RFC 9110 §5.6.2', () => {
  assert.equal(tokenBytes.length, 256);
  assert.equal(
    textOf((byte) => tokenBytes[byte] === 1),
    "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
  );
});

test('field bytes are tab, space, visible and high bytes', () => {
  assert.equal(
    textOf((byte) => !isFieldByte(byte)),
    `${textOf((byte) => byte < 9)}${textOf((byte) => byte > 9 && byte < 32)}\x7f`,
  );
});

test('hexadecimal digits have their value, all other bytes -1', () => {
  for (const byte of every) {
    const value = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
    assert.equal(hexValues[byte], value);
  }
});

test('spells compares without case, and only whole words', () => {
  const bytes = Buffer.from('xKeep-ALIVEx');
  assert.ok(spells(bytes, 1, 11, 'keep-alive'));
  assert.ok(!spells(bytes, 0, 10, 'keep-alive'));
  assert.ok(!spells(bytes, 1, 10, 'keep-alive'));
  assert.ok(!spells(bytes, 1, 12, 'keep-alive'));
});

test('spells takes no other field byte for a letter or a dash', () => {
  for (const byte of every.filter(isFieldByte)) {
    for (const letter of 'abcdefghijklmnopqrstuvwxyz-') {
      const same = String.fromCharCode(byte).toLowerCase() === letter;
      assert.equal(spells(Uint8Array.of(byte), 0, 1, letter), same);
    }
  }
});

test('hasEightBit finds a high character anywhere', () => {
  assert.ok(!hasEightBit('a\x7f'));
  assert.ok(hasEightBit('a\x80'));
  assert.ok(hasEightBit('\xffa'));
  assert.ok(!hasEightBit(''));
});
