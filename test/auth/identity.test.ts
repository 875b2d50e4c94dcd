import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IdentityHeaders } from '../../src/auth/policy/identity.ts';

const mapped = (headers: Readonly<Record<string, string>>): IdentityHeaders =>
  new IdentityHeaders({ headers: new Map(Object.entries(headers)) });

function value(claim: unknown): string | undefined {
  const block = mapped({ 'X-Id': 'c' }).render({ c: claim }, '');
  if (block === undefined || block === '') return block;
  assert.ok(block.startsWith('X-Id: ') && block.endsWith('\r\n'), block);
  return block.slice(6, -2);
}

test('scalars are sent as text, lists joined, objects as JSON', () => {
  assert.equal(value('user-1'), 'user-1');
  assert.equal(value(42), '42');
  assert.equal(value(1.5), '1.5');
  assert.equal(value(true), 'true');
  assert.equal(value(false), 'false');
  assert.equal(value(['a', 'b', 3, true]), 'a,b,3,true');
  assert.equal(value({ plan: 'pro', n: 1 }), '{"plan":"pro","n":1}');
  assert.equal(value([{ a: 1 }, 'b']), '[{"a":1},"b"]');
  assert.equal(value(['a', null]), '["a",null]');
});

test('an empty text and an empty list send an empty header', () => {
  assert.equal(mapped({ 'X-Id': 'c' }).render({ c: '' }, ''), 'X-Id: \r\n');
  assert.equal(mapped({ 'X-Id': 'c' }).render({ c: [] }, ''), 'X-Id: \r\n');
});

test('absent and null claims send no header', () => {
  const headers = mapped({ 'X-A': 'a', 'X-B': 'b', 'X-C': 'c' });
  assert.equal(headers.render({ a: null, c: 'here' }, ''), 'X-C: here\r\n');
});

test('dots reach into objects, a literal name takes precedence, only own members count', () => {
  const headers = (claim: string): IdentityHeaders => mapped({ X: claim });
  assert.equal(headers('tenant.plan.name').render({ tenant: { plan: { name: 'pro' } } }, ''), 'X: pro\r\n');
  assert.equal(headers('a.b').render({ 'a.b': 'literal', a: { b: 'path' } }, ''), 'X: literal\r\n');
  assert.equal(
    headers('https://example.com/roles').render({ 'https://example.com/roles': ['r'] }, ''),
    'X: r\r\n',
  );
  for (const claim of [
    '__proto__',
    'constructor',
    'a.__proto__',
    'a.constructor.name',
    'a.length',
    'b.0',
    'c.length',
  ]) {
    assert.equal(headers(claim).render({ a: {}, b: ['x'], c: 'text' }, ''), '', claim);
  }
  assert.equal(headers('__proto__.x').render(JSON.parse('{"__proto__":{"x":"own"}}'), ''), 'X: own\r\n');
});

test('no value can end the header, hide a space or imitate another value', () => {
  assert.equal(value('a\r\nX-Admin: 1'), 'a%0D%0AX-Admin: 1');
  assert.equal(value('a\0b\x7f'), 'a%00b%7F');
  assert.equal(value(' a b '), '%20a b%20');
  assert.equal(value(' '), '%20');
  assert.equal(value('\u00e9\u{1f600}'), '%C3%A9%F0%9F%98%80');
  assert.equal(value('%C3%A9'), '%25C3%25A9');
  assert.equal(value(['a,b', 'c']), 'a%2Cb,c');
  assert.equal(value('a,b'), 'a,b');
  assert.equal(value({ '\u00e9': '\n' }), '{"%C3%A9":"\\n"}');
});

test('half a surrogate pair is refused rather than replaced', () => {
  assert.equal(value('a\ud800'), undefined);
  assert.equal(value(['\udc00']), undefined);
});

test('a value has at most 4 KiB', () => {
  assert.equal(value('a'.repeat(4096)), 'a'.repeat(4096));
  assert.equal(value('a'.repeat(4097)), undefined);
  assert.equal(value('\u00e9'.repeat(1000)), undefined);
  assert.equal(value(new Array(3000).fill('a')), undefined);
});

test('two different texts give two different values, each one visible line that reads back', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((string) => !/\p{Cs}/u.test(string));
  fc.assert(
    fc.property(text, (claim) => {
      const sent = value(claim) ?? '';
      assert.match(sent, /^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/);
      assert.equal(decodeURIComponent(sent), claim);
    }),
    { numRuns: 500 },
  );
});
