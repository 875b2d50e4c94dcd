// Source: kubernetes/test-infra#10441, a guarded "/admin/*" that guarded nothing because the * was a letter.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configOf, faultsOf } from '../config/check.ts';

const file = (path: string): string =>
  `listen: 127.0.0.1:8080\nroutes: [{ match: { path: ${path} }, auth: none, upstream: "http://h:1" }]\n`;
const quoted = (path: string): string => file(JSON.stringify(path));

describe('a path with the letters of a pattern is a fault that names the right spelling', () => {
  for (const [path, right] of [
    ['/admin/*', '/admin'],
    ['/admin*', '/admin'],
    ['/admin/**', '/admin'],
    ['/*', '/'],
    ['/api/*/users', '/api'],
    ['/api/(v1|v2)/users', '/api'],
    ['/users/{id}', '/users'],
    ['/users/{id}/orders', '/users'],
    ['/users/:id', '/users'],
    ['/:tenant/users', '/'],
    ['/users/<id>', '/users'],
    ['/users/[id]', '/users'],
    ['/admin$', '/admin'],
    ['^/admin$', '/admin'],
    ['~ ^/admin/.*', '/admin'],
    ['/admin/.*', '/admin'],
    ['/admin/.+', '/admin'],
    ['/admin/?', '/admin'],
    ['/files/[0-9]+', '/files'],
    ['/a|/b', '/'],
    ['/a,/b', '/'],
    ['/\\d+', '/'],
    ['/(?i)admin', '/'],
    ['/$APP/x', '/'],
    ['/users/$1', '/users'],
  ] as const) {
    test(`${path} → ${right}`, () => {
      const [fault = '', ...others] = faultsOf(quoted(path));
      assert.deepEqual(others, []);
      assert.match(
        fault,
        /^f:2:\d+: routes\[0\]\.match\.path: (has .*, and paths are no patterns|looks like a list);/,
      );
      assert.ok(fault.includes(`; must be ${right}, which covers `), fault);
    });
  }
});

describe('a path that only resembles a pattern is accepted', () => {
  for (const path of [
    ...['/', '/admin', '/$metadata', '/Patient/$everything', '/projects/x:batchGet', '/c++', '/@scope/name'],
    ...["/it's", '/a,b', '/a!b', '/a=b&c', '/~user', '/a.b', '/.well-known/x'],
  ]) {
    test(path, () => assert.equal(configOf(quoted(path)).routes[0]?.match.path, path));
  }

  for (const path of [
    ...[
      '/Products(1)',
      "/Products('a')",
      '/admin/*',
      '/**',
      '/:id',
      '/a$',
      '/$1',
      '/a,/b',
      '/Patient/$everything',
    ],
  ]) {
    test(`literally ${path}`, () => {
      assert.equal(configOf(file(`{ literal: ${JSON.stringify(path)} }`)).routes[0]?.match.path, path);
    });
  }
});

describe('a text that is no path stays a fault, literally too', () => {
  for (const path of [
    'admin',
    '/a//b',
    '/a/../b',
    '/a/',
    '/a.',
    '/a?b',
    '/a#b',
    '/{id}',
    '/a\\b',
    '/a%2Fb',
    '',
  ]) {
    test(JSON.stringify(path), () => {
      assert.equal(faultsOf(quoted(path)).length, 1);
      assert.equal(faultsOf(file(`{ literal: ${JSON.stringify(path)} }`)).length, 1);
    });
  }

  test('and so does a value that is no text', () => {
    assert.match(faultsOf(file('{ literal: /a, x: 1 }'))[0] ?? '', /match\.path\.x: is not a known key/);
    assert.match(
      faultsOf(file('[/a, /b]'))[0] ?? '',
      /match\.path: is a list; must be a path such as \/orders/,
    );
    assert.match(faultsOf(file('{}'))[0] ?? '', /match\.path\.literal: is missing; must be a path/);
  });
});
