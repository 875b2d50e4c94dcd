import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedHash } from '../../src/lib/keyed-hash.ts';

const texts = Array.from({ length: 50_000 }, (_, index) => `${index}`).concat(
  ...['', '\0', '\0\0', 'a', 'a\0', 'ä', '€', '\u{1f600}'],
);

test('different texts have different hashes, that fill the low bits and all others evenly', () => {
  const hash = new KeyedHash([1, 2]);
  const hashes = texts.map((text) => hash.of(text));
  assert.equal(new Set(hashes).size, texts.length);
  assert.ok(hashes.every((one) => Number.isSafeInteger(one) && one > 0));
  for (let bit = 0; bit < 53; bit += 1) {
    const set = hashes.filter((one) => Math.floor(one / 2 ** bit) % 2 === 1).length;
    assert.ok(Math.abs(set / hashes.length - 0.5) < 0.02, `bit ${bit}: ${set}`);
  }
});

test('the hash depends on all of the secret, and on nothing else', () => {
  const hashOf = (a: number, b: number): number => new KeyedHash([a, b]).of('some text');
  assert.equal(hashOf(5, -6), hashOf(5, -6));
  assert.equal(new Set([hashOf(5, -6), hashOf(4, -6), hashOf(5, -5), hashOf(-6, 5)]).size, 4);
});
