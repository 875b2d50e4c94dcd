import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { IdentityHeaders } from '../../src/auth/policy/identity.ts';
import type { ClaimForm } from '../../src/config/config.ts';

/** The header's value for a claim, '' after the colon included; undefined when the claim is refused. */
function written(claim: unknown, as: ClaimForm): string | undefined {
  const headers = new IdentityHeaders({ headers: new Map([['X-C', { claim: 'c', as }]]) });
  const block = headers.render({ c: claim }, '');
  return block === undefined ? undefined : /^X-C: (.*)\r\n$/.exec(block)?.[1];
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');

const rows: readonly (readonly [
  claim: unknown,
  expected: Readonly<Partial<Record<ClaimForm, string | undefined>>>,
])[] = [
  [
    'user-1',
    { auto: 'user-1', string: 'user-1', csv: 'user-1', json: '"user-1"', base64url: base64url('user-1') },
  ],
  ['', { auto: '', string: '', csv: '', json: '""', base64url: '' }],
  [42, { auto: '42', string: '42', csv: '42', json: '42', base64url: base64url('42') }],
  [2 ** 53 - 1, { auto: '9007199254740991', csv: '9007199254740991', json: '9007199254740991' }],
  // Parsed from 9007199254740993: no longer the number that was signed.
  [2 ** 53, { auto: undefined, string: undefined, csv: undefined, json: undefined, base64url: undefined }],
  [-(2 ** 53), { auto: undefined, string: undefined }],
  [Number.POSITIVE_INFINITY, { auto: undefined, string: undefined, json: undefined }],
  [['a', { b: [2 ** 60] }], { auto: undefined, json: undefined, base64url: undefined }],
  [['a', 1e300], { auto: undefined, csv: undefined, json: undefined }],
  [true, { auto: 'true', string: 'true', csv: 'true', json: 'true', base64url: base64url('true') }],
  [
    ['a', 'b,c', 3],
    {
      auto: 'a,b%2Cc,3',
      string: undefined,
      csv: 'a,b%2Cc,3',
      json: '["a","b,c",3]',
      base64url: base64url('["a","b,c",3]'),
    },
  ],
  [[], { auto: '', string: undefined, csv: '', json: '[]', base64url: base64url('[]') }],
  // A single text is a list of one item, even with commas in it.
  ['a,b', { auto: 'a,b', string: 'a,b', csv: 'a%2Cb', json: '"a,b"' }],
  [
    { plan: 'pro', n: [1] },
    {
      auto: '{"plan":"pro","n":[1]}',
      string: undefined,
      csv: undefined,
      json: '{"plan":"pro","n":[1]}',
      base64url: base64url('{"plan":"pro","n":[1]}'),
    },
  ],
  [[['a'], null], { auto: '[["a"],null]', string: undefined, csv: undefined, json: '[["a"],null]' }],
  [
    'J\u00fcrg \u{1f600}\r\nX-Admin: 1\x7f%',
    {
      auto: 'J%C3%BCrg %F0%9F%98%80%0D%0AX-Admin: 1%7F%25',
      string: 'J%C3%BCrg %F0%9F%98%80%0D%0AX-Admin: 1%7F%25',
      json: '"J\\u00fcrg \\ud83d\\ude00\\r\\nX-Admin: 1\\u007f%"',
      base64url: base64url('J\u00fcrg \u{1f600}\r\nX-Admin: 1\x7f%'),
    },
  ],
  [' a ', { auto: '%20a%20', string: '%20a%20', csv: '%20a%20', json: '" a "' }],
  // Half a surrogate pair, and text that only resembles its escape.
  ['a\ud800', { auto: undefined, string: undefined, csv: undefined, json: undefined, base64url: undefined }],
  [{ a: ['\\\udc00'] }, { auto: undefined, json: undefined, base64url: undefined }],
  ['\\ud800', { string: '\\ud800', json: '"\\\\ud800"', base64url: base64url('\\ud800') }],
  [{ '\\\\udc00': 1 }, { json: '{"\\\\\\\\udc00":1}' }],
];

for (const [claim, expected] of rows) {
  for (const [form, value] of Object.entries(expected)) {
    test(`${JSON.stringify(claim)} as ${form}`, () => {
      assert.equal(written(claim, form as ClaimForm), value);
    });
  }
}

test('null sends no header in any form', () => {
  for (const as of ['auto', 'string', 'csv', 'json', 'base64url'] as const) {
    const headers = new IdentityHeaders({ headers: new Map([['X-C', { claim: 'c', as }]]) });
    assert.equal(headers.render({ c: null }, ''), '');
    assert.equal(headers.render({}, ''), '');
  }
});

test('a value in any form has at most 4 KiB', () => {
  for (const [form, longest] of [
    ['string', 4096],
    ['csv', 4096],
    ['json', 4094],
    ['base64url', 3072],
  ] as const) {
    assert.equal(written('a'.repeat(longest), form)?.length, 4096, form);
    assert.equal(written('a'.repeat(longest + 1), form), undefined, form);
  }
  assert.equal(written('\u00e9'.repeat(682), 'json')?.length, 4094);
  assert.equal(written('\u00e9'.repeat(683), 'json'), undefined);
});

describe('a claim of any kind', () => {
  const exact = (_: string, item: unknown) => (typeof item === 'number' ? item % 2 ** 53 : item);
  const claim = fc
    .jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })
    .filter((value) => value !== null)
    .map((value): unknown => JSON.parse(JSON.stringify(value), exact));

  test('reads back unchanged from JSON and from base64url, both one visible line', () => {
    fc.assert(
      fc.property(claim, (value) => {
        const json = written(value, 'json') ?? '';
        assert.match(json, /^[\x20-\x7e]+$/);
        assert.equal(JSON.stringify(JSON.parse(json)), JSON.stringify(value));
        const bytes = Buffer.from(written(value, 'base64url') ?? '', 'base64url').toString();
        assert.equal(bytes, typeof value === 'string' ? value : JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  });

  test('a list reads back item by item', () => {
    const items = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(items, (list) => {
        const sent = written(list, 'csv') ?? '';
        assert.match(sent, /^[\x20-\x7e]+$/);
        assert.deepEqual(sent.split(',').map(decodeURIComponent), list);
      }),
      { numRuns: 300 },
    );
  });
});

describe('with claims', () => {
  const added = (payload?: string): IdentityHeaders =>
    new IdentityHeaders({
      headers: new Map([['X-Id', 'sub']]),
      payload,
      set: new Map([
        ['X-Gateway', 'portcullis'],
        ['X-Zone', 'a b'],
      ]),
    });

  test('fixed headers come first, the payload last', () => {
    assert.equal(
      added('X-Payload').render({ sub: 'u' }, 'eyJzdWIiOiJ1In0'),
      'X-Gateway: portcullis\r\nX-Zone: a b\r\nX-Id: u\r\nX-Payload: eyJzdWIiOiJ1In0\r\n',
    );
    assert.equal(added().fixed, 'X-Gateway: portcullis\r\nX-Zone: a b\r\n');
  });

  test('a payload of more than 7 KiB is refused', () => {
    assert.equal(added('X-Payload').render({}, 'a'.repeat(7168))?.length, 36 + 13 + 7168);
    assert.equal(added('X-Payload').render({}, 'a'.repeat(7169)), undefined);
    assert.notEqual(added().render({}, 'a'.repeat(7169)), undefined);
  });

  test('only headers that depend on the token count as identity', () => {
    const headers = new Map<string, string>();
    assert.equal(new IdentityHeaders({ headers, set: new Map([['X-A', '1']]) }).isFixed, true);
    assert.equal(new IdentityHeaders({ headers, payload: 'X-P' }).isFixed, false);
  });
});
