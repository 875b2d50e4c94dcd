import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../../src/routing/route-table.ts';
import { isAmbiguous } from '../../src/routing/target.ts';

interface Named {
  readonly name: string;
  readonly match: { host: string | undefined; path: string; methods: readonly string[] | undefined };
}

const route = (name: string, path: string, host?: string, methods?: readonly string[]): Named => ({
  name,
  match: { host, path, methods },
});

describe('the most specific route wins', () => {
  const table = new RouteTable([
    route('root', '/'),
    route('orders', '/orders'),
    route('orders write', '/orders', undefined, ['POST', 'PUT']),
    route('open', '/orders/open/'),
    route('api', '/', 'api.example'),
    route('api orders read', '/orders', 'API.example', ['GET']),
    route('v6', '/', '[::1]'),
  ]);
  const rows: readonly [host: string, path: string, method: string, name: string][] = [
    ['a.example', '/', 'GET', 'root'],
    ['a.example', '/x', 'GET', 'root'],
    ['a.example', '/orders', 'GET', 'orders'],
    ['a.example', '/orders/', 'GET', 'orders'],
    ['a.example', '/orders/1/2/3/4', 'GET', 'orders'],
    ['a.example', '/orders', 'POST', 'orders write'],
    ['a.example', '/orders/1', 'PUT', 'orders write'],
    ['a.example', '/orders', 'post', 'orders'],
    ['a.example', '/orders/open', 'GET', 'open'],
    ['a.example', '/orders/open', 'POST', 'open'],
    ['a.example', '/orders/open/1', 'GET', 'open'],
    // Segment borders and case.
    ['a.example', '/ordersx', 'GET', 'root'],
    ['a.example', '/order', 'GET', 'root'],
    ['a.example', '/Orders', 'GET', 'root'],
    ['a.example', '/orders/openx', 'GET', 'orders'],
    ['a.example', '/x/orders', 'GET', 'root'],
    // A host of its own comes before any path of any host.
    ['api.example', '/orders/open', 'POST', 'api'],
    ['api.example', '/orders/open', 'GET', 'api orders read'],
    ['API.EXAMPLE:8080', '/orders', 'GET', 'api orders read'],
    ['api.example.', '/orders', 'HEAD', 'api'],
    ['api.example.:80', '/x', 'GET', 'api'],
    ['xapi.example', '/x', 'GET', 'root'],
    ['api.example.evil', '/x', 'GET', 'root'],
    ['[::1]:80', '/', 'GET', 'v6'],
    ['[::1]', '/orders', 'GET', 'v6'],
  ];
  for (const [host, path, method, name] of rows) {
    test(`${method} ${host}${path} → ${name}`, () => {
      assert.equal(table.find(host, path, method)?.name, name);
    });
  }

  test('the order of the configuration does not matter', () => {
    const routes = [
      route('a', '/a'),
      route('ab', '/a/b'),
      route('root', '/'),
      route('abw', '/a/b', undefined, ['PUT']),
    ];
    for (const order of [routes, routes.toReversed()]) {
      const shuffled = new RouteTable(order);
      const found = ['/', '/a', '/a/b', '/a/b/c', '/a/c'].map(
        (path) => shuffled.find('h', path, 'GET')?.name,
      );
      assert.deepEqual(found, ['root', 'a', 'ab', 'ab', 'a']);
      assert.equal(shuffled.find('h', '/a/b', 'PUT')?.name, 'abw');
    }
  });

  test('nothing matches what no route names', () => {
    const narrow = new RouteTable([route('a', '/a', 'h.example', ['GET'])]);
    assert.equal(narrow.find('h.example', '/a', 'GET')?.name, 'a');
    for (const [host, path, method] of [
      ['h.example', '/a', 'POST'],
      ['h.example', '/', 'GET'],
      ['other.example', '/a', 'GET'],
    ] as const) {
      assert.equal(narrow.find(host, path, method), undefined);
    }
  });

  test('no name of an object is a route', () => {
    const table = new RouteTable([route('a', '/a'), route('b', '/b')]);
    for (const path of ['/__proto__', '/constructor', '/toString']) {
      assert.equal(table.find('__proto__', path, 'constructor'), undefined);
    }
  });

  test('only with several routes does it matter how a path is read', () => {
    assert.equal(new RouteTable([route('a', '/')]).distinguishes, false);
    assert.equal(table.distinguishes, true);
  });
});

describe('paths that servers read in different ways', () => {
  for (const path of [
    '//a',
    '/a//b',
    '/a//',
    '/./a',
    '/a/.',
    '/a/..',
    '/a/../b',
    '/..',
    '/.',
    '/a;v=1',
    '/a/..;/b',
    '/a\\b',
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a%5Cb',
    '/%2e%2e/a',
    '/a/%2E',
    '/a/.%2e/b',
    '/a%3bb',
    '/a%3fb',
    '/a%23b',
    '/a%c0%af..%c1%9c',
    '/a%3B',
    '/a%00',
    '/a%252fb',
    '/a%25',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a%u002f',
  ]) {
    test(`${path} is one`, () => assert.equal(isAmbiguous(path), true));
  }
  for (const path of [
    '/',
    '/a/b/',
    '/a.b',
    '/.well-known/x',
    '/a/...',
    '/a/..b',
    '/a/b..',
    '/a%20b',
    '/%C3%A9',
    '/~a',
    "/a'(),:@&=+$",
  ]) {
    test(`${path} is none`, () => assert.equal(isAmbiguous(path), false));
  }
});
