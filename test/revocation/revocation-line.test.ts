import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromLine } from '../../src/revocation/revocation-line.ts';

/** A line with a valid checksum, as any writer to Redis can make one. */
function sealed(text: string): string {
  return `${createHash('sha256').update(text).digest('hex').slice(0, 16)} ${text}`;
}

describe('a line with a valid checksum', () => {
  test('is a revocation where it has marks and times', () => {
    const line = sealed('{"sub":"s","before":5,"expiresAt":1e999}');
    assert.equal(fromLine(line)?.sub, 's');
    assert.equal(fromLine(line)?.before, 5);
    assert.equal(fromLine(line)?.expiresAt, Number.POSITIVE_INFINITY);
  });

  for (const [what, text] of [
    ['is no JSON', '{'],
    ['is no object', '"sub"'],
    ['is null', 'null'],
    ['names nothing and would hit every token', '{"before":5}'],
    ['is a list, which names nothing', '[]'],
    ['has a mark that is no text', '{"sub":"s","sid":7}'],
    ['has a time that is no number', '{"sub":"s","before":"5"}'],
    ['has a time that no date can say', '{"sub":"s","before":1e300}'],
    ['has a time before all times', '{"sub":"s","before":-1e300}'],
  ] as const) {
    test(`is damaged where it ${what}`, () => assert.equal(fromLine(sealed(text)), undefined));
  }
});
