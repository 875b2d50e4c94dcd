import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf } from './check.ts';

const cases: readonly (readonly [string, string])[] = [
  ['a: 1\nlisten: 2\nlisten: 3\n', 'f:3:1: yaml: has the same key twice'],
  ['listen: [::]:80\n', 'f:1:13: yaml: has something here that does not belong'],
  ['listen: "x\n', 'f:1:9: yaml: opens a quote that is not closed; must have its closing quote on this line'],
  ["a: 1\nlisten: 'x\nauth: none\n", 'f:2:9: yaml: opens a quote that is not closed'],
  ['a:\n  b: "x\n  c: "y"\n', 'f:2:6: yaml: opens a quote that is not closed'],
  ['a: [ "x,\n "y" ]\n', 'f:1:6: yaml: opens a quoted text that goes on to another line'],
  ['a: 1\n  b: 2\nc: 3\n', 'f:2:3: yaml: is indented wrongly'],
  ['a:\n   b: 1\n  c: 2\n  d: 3\n e: 4\n', 'f:3:1: yaml: is indented wrongly'],
  ['cache:\n\tentries: 1\n', 'f:2:1: yaml: is indented with a tab'],
  ['---\na: 1\n---\nb: 2\n', 'f:3:1: yaml: has a second document'],
  ['listen: !secret x\n', 'f:1:9: yaml: has an unknown tag'],
  ['listen: *x\n', 'f:1:9: listen: is an alias without an anchor'],
  ['cache: &x\n  entries: *x\n', 'f:1:1: yaml: has too many or endless aliases'],
  ['cache: a: b\n', 'f:1:8: yaml: has a mapping inside one line'],
  ['[1, 2\n', 'f:1:1: yaml: opens [ and does not close it; must have ]'],
  ['listen: [', 'f:1:9: yaml: opens [ and does not close it'],
  ['listen: [a, b\nadmin: c\n', 'f:1:9: yaml: opens [ and does not close it'],
  ['a: { b: { c: 1 }, d: [2]\ne: f\n', 'f:1:4: yaml: opens { and does not close it; must have }'],
  ['a:\n  b: [\n    1,\n  2]\n', 'f:2:6: yaml: opens [ and does not close it'],
  ['a:\n   b: [1]\n  c: 2\n', 'f:3:1: yaml: is indented wrongly'],
  ['?\n  - a\n: 1\n', 'f:2:3: configuration: has a key that is no plain name'],
  ['__proto__: { listen: 1 }\n', 'f:1:1: configuration: has a key that is no plain name'],
  ['', 'f:1:1: configuration: is empty; must be a mapping with the keys listen, admin,'],
  ['- a\n', 'f:1:1: configuration: is a list; must be a mapping'],
];

for (const [text, expected] of cases) {
  test(`YAML at fault: ${JSON.stringify(text)}`, () => {
    const faults = faultsOf(text);
    assert.ok(
      faults.some((fault) => fault.startsWith(expected)),
      `${expected}\n${faults.join('\n')}`,
    );
    // A fault of the syntax hides the faults that follow from it.
    if (expected.includes(': yaml: ')) assert.equal(faults.length, 1, faults.join('\n'));
  });
}

test('YAML that exhausts its reader is a fault', () => {
  const bomb = ['a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed'].map((pair) => [...pair] as [string, string])) {
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${of}`).join(', ')}]`);
  }
  assert.deepEqual(faultsOf(bomb.join('\n')), [
    'f:1:1: yaml: has too many or endless aliases; must do without',
  ]);
  for (const deep of ['['.repeat(100_000), '{a: '.repeat(1000), '- '.repeat(50_000), '? '.repeat(1000)]) {
    assert.deepEqual(faultsOf(deep), ['f:1:1: yaml: is nested deeper than 64 levels; must be flatter']);
  }
});

test('the text around a YAML fault is not repeated', () => {
  for (const text of ['secret: "hunter2" hunter2\n', 'secret: [hunter2\n', 'a: *hunter2\n', '%hunter2\n']) {
    const faults = faultsOf(text);
    assert.ok(faults.length > 0);
    assert.ok(!faults.join('\n').includes('hunter2'), faults.join('\n'));
  }
});

test('anchors and aliases work, and a fault stands where the alias does', () => {
  const faults = faultsOf(
    'listen: &a 127.0.0.1:80\nadmin: *a\nauth: none\nupstream: http://127.0.0.1:9000\n',
  );
  assert.deepEqual(faults, [
    'f:2:8: admin: is an address of listen too; must be another, out of reach of the traffic',
  ]);
});

test('JSON is YAML', () => {
  const file = { listen: '127.0.0.1:80', upstream: 'http://127.0.0.1:9000', auth: 'none' };
  assert.deepEqual(faultsOf(JSON.stringify(file, null, 2)), []);
  assert.deepEqual(faultsOf(JSON.stringify({ ...file, realm: 5 }, null, 2)), [
    'f:5:12: realm: is a number; must be 1 to 128 printable ASCII characters without " and \\',
  ]);
});
