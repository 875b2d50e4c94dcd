import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from './check.ts';

const file = (text: string): string =>
  `listen: 127.0.0.1:1\nroutes:\n  - match: { path: / }\n    auth: none\n    upstream: http://h\n    responseHeaders: ${text}\n`;

describe('routes[].responseHeaders', () => {
  test('sets and removes fields', () => {
    const [route] = configOf(
      file('{ set: { Strict-Transport-Security: max-age=31536000, X-A: "b, c" }, remove: [Server] }'),
    ).routes;
    assert.deepEqual(route?.responseHeaders, {
      set: new Map([
        ['Strict-Transport-Security', 'max-age=31536000'],
        ['X-A', 'b, c'],
      ]),
      remove: ['Server'],
    });
    assert.equal(configOf(file('{}')).routes[0]?.responseHeaders, undefined);
  });

  const long = 'x'.repeat(4096);
  const many = Array.from({ length: 33 }, (_, n) => `X-${n}`);
  for (const [name, text, fault] of [
    ['an unknown key', '{ add: {} }', /responseHeaders\.add: is not a known key/],
    ['a name that is no token', '{ set: { "X A": b } }', /set.*: is not a header name; must be letters/],
    [
      'a framing field',
      '{ set: { content-length: "1" } }',
      /is a header of the connection, the framing or the body/,
    ],
    ['a connection field', '{ remove: [Connection] }', /remove\[0\]: is a header of the connection/],
    ['Transfer-Encoding', '{ remove: [TRANSFER-ENCODING] }', /remove\[0\]: is a header of the connection/],
    ['Date', '{ set: { Date: now } }', /is a header of the connection/],
    ['a name twice', '{ set: { X-A: b }, remove: [x-a] }', /remove\[0\]: stands here twice; must stand once/],
    [
      'a value with a line end',
      '{ set: { X-A: "b\\r\\nX-C: d" } }',
      /set\.X-A: does not fit; must be visible ASCII/,
    ],
    ['an empty value', '{ set: { X-A: "" } }', /set\.X-A: is empty; must be visible ASCII/],
    ['a value beyond ASCII', '{ set: { X-A: "\u00fc" } }', /set\.X-A: does not fit; must be visible ASCII/],
    ['too long a value', `{ set: { X-A: ${long}x } }`, /set\.X-A: does not fit; must be visible ASCII/],
    [
      'too many bytes',
      `{ set: { X-A: ${long}, X-B: ${long} } }`,
      /set: has 8198 bytes of names and values; must be at most 8192/,
    ],
    ['too many entries', `{ remove: [${many}] }`, /remove: has 33 entries; must be at most 32/],
    ['an empty list', '{ remove: [] }', /remove: is an empty list/],
  ] as const) {
    test(`refuses ${name}`, () => {
      const faults = faultsOf(file(text));
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] as string, fault);
    });
  }

  test('takes as much as allowed', () => {
    const { routes } = configOf(
      file(`{ set: { X-A: ${long}, X-B: ${long.slice(6)} }, remove: [${many.slice(1)}] }`),
    );
    assert.equal(routes[0]?.responseHeaders?.remove.length, 32);
  });
});
