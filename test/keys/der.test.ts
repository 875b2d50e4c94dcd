import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DerError, der, inside, onlyValue, readDer, tags, timeOf } from '../../src/keys/der.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('DER', () => {
  test('is read as it is written, with lengths of each size', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const content = Buffer.alloc(length, 7);
      const bytes = der(tags.octetString, content);
      const value = onlyValue(bytes);
      assert.equal(value.tag, tags.octetString);
      assert.ok(value.content.equals(content) && value.whole.equals(bytes));
      assert.ok(inside(onlyValue(der(tags.sequence, bytes, bytes))).length === 2);
      for (const cut of [1, 2, bytes.length - 1].filter((at) => at > 0 && at < bytes.length)) {
        assert.throws(() => readDer(bytes.subarray(0, cut)), DerError, `${length}, ${cut}`);
      }
    }
  });

  test('without a definite length, with a tag of several bytes, or with another tag is refused', () => {
    for (const bytes of ['30 80 00 00', '3f 01 00', '30 85 00 00 00 00 00', '30 02 05', '30']) {
      assert.throws(() => readDer(hex(bytes)), DerError, bytes);
    }
    assert.throws(() => inside(onlyValue(hex('31 00'))), DerError);
    assert.throws(() => inside(undefined), DerError);
    assert.throws(() => onlyValue(hex('05 00 05 00')), DerError);
    assert.throws(() => onlyValue(hex('')), DerError);
    assert.equal(readDer(hex('05 00 05 00 ff'), 2).length, 2);
  });

  test('has times of two forms (RFC 5280 §4.1.2.5)', () => {
    const time = (tag: number, text: string): number => timeOf(onlyValue(der(tag, Buffer.from(text))));
    assert.equal(time(tags.utcTime, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
    assert.equal(time(tags.utcTime, '500101000000Z'), Date.UTC(1950, 0, 1));
    assert.equal(time(tags.generalizedTime, '20260102030405Z'), Date.UTC(2026, 0, 2, 3, 4, 5));
    for (const [tag, text] of [
      [tags.utcTime, '20260102030405Z'],
      [tags.generalizedTime, '20260102030405'],
      [tags.generalizedTime, '20261302030405Z'],
      [tags.integer, '20260102030405Z'],
    ] as const) {
      assert.throws(() => time(tag, text), DerError, text);
    }
  });
});
