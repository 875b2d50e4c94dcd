import assert from 'node:assert/strict';
import { test } from 'node:test';
import { substitute } from '../../src/config/source/environment.ts';
import { configOf, faultsOf } from './check.ts';

const variable = (inside: string): string => `\${${inside}}`;

test('variables are replaced, with defaults and an escape', () => {
  const env = { NAME: 'value', EMPTY: '', TRICKY: variable('NAME') };
  const expected: readonly (readonly [string, string])[] = [
    [variable('NAME'), 'value'],
    [`a${variable('NAME')}b${variable('NAME')}`, 'avaluebvalue'],
    [variable('NONE:-other'), 'other'],
    [variable('EMPTY:-other'), 'other'],
    [variable('NAME:-other'), 'value'],
    [variable('NONE:-'), ''],
    [variable('EMPTY'), ''],
    [`$${variable('NAME')}`, variable('NAME')],
    [variable('TRICKY'), variable('NAME')],
    ['$NAME $', '$NAME $'],
  ];
  for (const [text, result] of expected)
    assert.deepEqual(substitute(text, env), { text: result, faults: [] });
});

test('unset and malformed variables are faults, also names that every object has', () => {
  for (const name of ['NONE', 'toString', '__proto__']) {
    assert.match(substitute(variable(name), {}).faults.join(), /needs the environment variable/, name);
  }
  for (const text of ['${', '${A', variable(''), variable('A B'), variable('1A'), variable('A-x')]) {
    assert.match(substitute(text, { A: 'x' }).faults.join(), /has a broken variable/, text);
  }
});

test('a variable can stand in every text, and in place of a number', () => {
  const text = [
    'listen: 127.0.0.1:$' + '{PORT:-8080}',
    'upstream: http://$' + '{HOST}:9000',
    'auth: none',
    'cache: { entries: "$' + '{ENTRIES}" }',
    'realm: $$' + '{x}',
  ].join('\n');
  const config = configOf(text, { HOST: 'app.internal', ENTRIES: '12' });
  assert.deepEqual(config.listen, [{ host: '127.0.0.1', port: 8080 }]);
  assert.equal(config.routes[0]?.upstream, 'app.internal:9000');
  assert.equal(config.cache.entries, 12);
  assert.equal(config.realm, variable('x'));
});

test('a value with YAML in it stays a text', () => {
  const [fault] = faultsOf(`listen: ${variable('L')}\nupstream: http://h\nauth: none\n`, {
    L: '127.0.0.1:80\nadmin: 0.0.0.0:9090',
  });
  assert.match(fault ?? '', /^f:1:9: listen: does not fit; /);
});

test('an unset variable is reported at its place, once', () => {
  assert.deepEqual(faultsOf(`listen: 127.0.0.1:80\nauth: none\nupstream:\n  ${variable('UP')}\n`), [
    `f:4:3: upstream: needs the environment variable UP, which is not set; must be set, or written ${variable('UP:-default')}`,
  ]);
});

test('a value from the environment is never shown', () => {
  const secret = 'hunter2-hunter2-hunter2';
  const text = `
listen: "${variable('SECRET')}"
realm: "${variable('SECRET')}\\u0001"
issuers:
  a: { issuer: x, audience: y, algorithms: ["${variable('SECRET')}"], keys: { pem: "${variable('SECRET')}" } }
  b: { issuer: x, audience: z, algorithms: [HS256], keys: { secret: "${variable('SECRET')}" } }
routes:
  - match: { host: "${variable('SECRET')}/", path: "${variable('SECRET')}", methods: ["${variable('SECRET')}"] }
    auth: "${variable('SECRET')}"
    upstream: "${variable('SECRET')}"
  - { match: { path: /x }, auth: none, upstream: "http://u:${variable('SECRET')}@h" }
`;
  const faults = faultsOf(text, { SECRET: secret });
  assert.equal(faults.length, 11, faults.join('\n'));
  assert.ok(!faults.join('\n').includes('hunter2'), faults.join('\n'));
  assert.ok(faults.join('\n').includes(`"${variable('SECRET')}" does not exist`), faults.join('\n'));
});
