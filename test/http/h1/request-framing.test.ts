import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestFraming } from '../../../src/http/h1/request-framing.ts';

interface Fields {
  readonly lengths?: readonly string[];
  readonly encodings?: readonly string[];
}

const read = new RequestFraming();

function framingOf({ lengths = [], encodings = [] }: Fields): string {
  read.reset();
  for (const value of lengths) read.takeLength(value);
  for (const value of encodings) read.takeEncoding(value);
  return read.isFaulty ? 'faulty' : `${read.framing} ${read.contentLength}`;
}

describe('the framing of a request', () => {
  test('is that of one length, of chunks, or none', () => {
    for (const [fields, framing] of [
      [{}, 'none 0'],
      [{ lengths: ['0'] }, 'none 0'],
      [{ lengths: ['00'] }, 'none 0'],
      [{ lengths: ['12'] }, 'length 12'],
      [{ lengths: ['999999999999999'] }, 'length 999999999999999'],
      [{ encodings: ['chunked'] }, 'chunked 0'],
      [{ encodings: ['Chunked'] }, 'chunked 0'],
    ] as const) {
      assert.equal(framingOf(fields), framing, JSON.stringify(fields));
    }
  });

  test('is refused when two servers could read it in two ways', () => {
    for (const fields of [
      { lengths: ['1', '1'] },
      { lengths: ['1, 1'] },
      { lengths: [''] },
      { lengths: ['+1'] },
      { lengths: ['0x1'] },
      { lengths: ['9999999999999999'] },
      { lengths: ['5'], encodings: ['chunked'] },
      { lengths: ['0'], encodings: ['chunked'] },
      { encodings: ['chunked', 'chunked'] },
      { encodings: ['gzip, chunked'] },
      { encodings: ['identity'] },
      { encodings: [''] },
    ]) {
      assert.equal(framingOf(fields), 'faulty', JSON.stringify(fields));
    }
  });

  test('keeps nothing of the previous request', () => {
    framingOf({ lengths: ['7'], encodings: ['chunked'] });
    assert.equal(framingOf({}), 'none 0');
  });
});
