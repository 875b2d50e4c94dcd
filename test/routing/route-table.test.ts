import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../../src/routing/route-table.ts';

interface Named {
  readonly name: string;
  readonly match: { host: string | undefined; path: string; methods: readonly string[] | undefined };
}

const route = (name: string, path: string, host?: string, methods?: readonly string[]): Named => ({
  name,
  match: { host, path, methods },
});

/** The name of the route that takes a request; `ambiguous` and undefined are returned unchanged. */
function found(table: RouteTable<Named>, host: string, path: string, method: string): string | undefined {
  const route = table.find(host, path, method);
  return typeof route === 'object' ? route.name : route;
}

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
    ['a.example', '/orders', 'patch', 'orders'],
    ['a.example', '/orders/open', 'GET', 'open'],
    ['a.example', '/orders/open', 'POST', 'open'],
    ['a.example', '/orders/open/1', 'GET', 'open'],
    // Segment borders.
    ['a.example', '/ordersx', 'GET', 'root'],
    ['a.example', '/order', 'GET', 'root'],
    ['a.example', '/orders/openx', 'GET', 'orders'],
    ['a.example', '/x/orders', 'GET', 'root'],
    // Its own host takes precedence over any path of any host.
    ['api.example', '/orders/open', 'POST', 'api'],
    ['api.example', '/orders/open', 'GET', 'api orders read'],
    ['API.EXAMPLE:8080', '/orders', 'GET', 'api orders read'],
    ['api.example.', '/orders', 'HEAD', 'api orders read'],
    ['api.example.', '/orders', 'OPTIONS', 'api'],
    ['api.example.:80', '/x', 'GET', 'api'],
    ['xapi.example', '/x', 'GET', 'root'],
    ['api.example.evil', '/x', 'GET', 'root'],
    ['[::1]:80', '/', 'GET', 'v6'],
    ['[::1]', '/orders', 'GET', 'v6'],
  ];
  for (const [host, path, method, name] of rows) {
    test(`${method} ${host}${path} → ${name}`, () => {
      assert.equal(found(table, host, path, method), name);
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
      const names = ['/', '/a', '/a/b', '/a/b/c', '/a/c'].map((path) => found(shuffled, 'h', path, 'GET'));
      assert.deepEqual(names, ['root', 'a', 'ab', 'ab', 'a']);
      assert.equal(found(shuffled, 'h', '/a/b', 'PUT'), 'abw');
    }
  });

  test('a request that no route names matches none', () => {
    const narrow = new RouteTable([route('a', '/a', 'h.example', ['GET'])]);
    assert.equal(found(narrow, 'h.example', '/a', 'GET'), 'a');
    for (const [host, path, method] of [
      ['h.example', '/a', 'POST'],
      ['h.example', '/', 'GET'],
      ['other.example', '/a', 'GET'],
    ] as const) {
      assert.equal(narrow.find(host, path, method), undefined);
    }
  });

  test('no property name of an object is a route', () => {
    const table = new RouteTable([route('a', '/a'), route('b', '/b')]);
    for (const path of ['/__proto__', '/constructor', '/toString']) {
      assert.equal(table.find('__proto__', path, 'constructor'), undefined);
    }
  });
});

describe('requests that another reader could give to another route', () => {
  const table = new RouteTable([
    route('root', '/'),
    route('admin', '/admin'),
    route('admin write', '/admin', undefined, ['POST']),
    route('users', '/admin/users'),
    route('me', '/@me'),
    route('api', '/', 'api.example'),
    route('api keys', '/keys', 'api.example', ['GET']),
  ]);
  const rows: readonly [path: string, method: string, name: string, host?: string][] = [
    ['/ADMIN', 'GET', 'ambiguous'],
    ['/Admin/x', 'GET', 'ambiguous'],
    ['/admin/Users', 'GET', 'ambiguous'],
    ['/ADMIN/users', 'GET', 'ambiguous'],
    // Case where it changes nothing.
    ['/Other/Path', 'GET', 'root'],
    ['/admin/Other', 'GET', 'admin'],
    ['/admin/users/X%20Y', 'GET', 'users'],
    ['/Administrator', 'GET', 'root'],
    ['/caf%C3%A9/a%20b', 'GET', 'root'],
    ['/caf%c3%a9', 'GET', 'root'],
    ['/users/a%40b.example', 'GET', 'root'],
    // Escapes of unreserved characters, letters that lose their form, leading spaces.
    ['/%40me', 'GET', 'ambiguous'],
    ['/%C3%A1dmin', 'GET', 'ambiguous'],
    ['/a%CC%81dmin', 'GET', 'ambiguous'],
    ['/%EF%BD%81dmin', 'GET', 'ambiguous'],
    ['/adm%C4%B1n', 'GET', 'ambiguous'],
    ['/a%C4%91min', 'GET', 'ambiguous'],
    ['/adm%E2%80%8Din', 'GET', 'ambiguous'],
    ['/%20admin', 'GET', 'ambiguous'],
    ['/%C2%A0admin', 'GET', 'ambiguous'],
    ['/admin/u%C5%BFers', 'GET', 'ambiguous'],
    // Methods are matched as sent, and some frameworks write them in capitals.
    ['/admin', 'POST', 'admin write'],
    ['/admin', 'post', 'ambiguous'],
    ['/admin', 'Post', 'ambiguous'],
    ['/admin', 'get', 'admin'],
    ['/other', 'post', 'root'],
    // Its own host.
    ['/KEYS', 'GET', 'ambiguous', 'api.example'],
    ['/KEYS', 'PUT', 'api', 'api.example'],
    ['/keys', 'get', 'ambiguous', 'api.example'],
    ['/KEYS', 'GET', 'root', 'other.example'],
    ['/ADMIN', 'GET', 'api', 'api.example'],
  ];
  for (const [path, method, name, host = 'a.example'] of rows) {
    test(`${method} ${host}${path} → ${name}`, () => assert.equal(found(table, host, path, method), name));
  }

  test('a path in lower case may be taken for a prefix in another case', () => {
    const mixed = new RouteTable([route('root', '/'), route('Admin', '/Admin'), route('plain', '/plain')]);
    assert.equal(found(mixed, 'h', '/Admin/x', 'GET'), 'Admin');
    assert.equal(found(mixed, 'h', '/admin/x', 'GET'), 'ambiguous');
    assert.equal(found(mixed, 'h', '/plain/x', 'GET'), 'plain');
    assert.equal(found(mixed, 'h', '/other', 'GET'), 'root');
  });

  test('a prefix with escapes has one spelling, and every other is ambiguous', () => {
    const escaped = new RouteTable([route('root', '/'), route('café', '/caf%C3%A9')]);
    assert.equal(found(escaped, 'h', '/caf%C3%A9/x', 'GET'), 'café');
    for (const path of ['/caf%c3%a9', '/cafe%CC%81', '/CAF%C3%89', '/cafe']) {
      assert.equal(found(escaped, 'h', path, 'GET'), 'ambiguous', path);
    }
  });

  test('prefixes that differ only in case are both refused in either spelling', () => {
    const twins = new RouteTable([route('a', '/a'), route('A', '/A'), route('root', '/')]);
    for (const path of ['/a', '/A', '/a/x']) assert.equal(found(twins, 'h', path, 'GET'), 'ambiguous');
    assert.equal(found(twins, 'h', '/b', 'GET'), 'root');
  });

  test('a request that no route takes as sent stays without a route', () => {
    const narrow = new RouteTable([route('admin', '/admin')]);
    assert.equal(found(narrow, 'h', '/ADMIN', 'GET'), undefined);
    assert.equal(found(narrow, 'h', '/a//b', 'GET'), undefined);
    assert.equal(found(narrow, 'h', '//admin', 'GET'), 'ambiguous');
  });

  test('a prefix for a host falls back to any host before it counts as another reading', () => {
    const split = new RouteTable([route('any', '/'), route('secret', '/secret', 'h.example')]);
    assert.equal(found(split, 'h.example', '/Other', 'GET'), 'any');
    assert.equal(found(split, 'h.example', '/SECRET', 'GET'), 'ambiguous');
    assert.equal(found(split, 'other.example', '/SECRET', 'GET'), 'any');
  });

  test('nothing is ambiguous while no route takes a part', () => {
    const whole = new RouteTable([route('root', '/'), route('api', '/', 'api.example')]);
    for (const path of ['/a/../b', '/a//b', '/%2e', '/a;b', '/a\\b', '/A', '/%']) {
      assert.equal(found(whole, 'h', path, 'get'), 'root', path);
    }
    // Except for a text that some servers read as the name of a host.
    const single = new RouteTable([route('root', '/')]);
    for (const path of ['//', '//api.example/x', '/\\api.example/x']) {
      assert.equal(found(whole, 'h', path, 'GET'), 'ambiguous', path);
      assert.equal(found(single, 'h', path, 'GET'), 'root', path);
    }
  });

  test('a route for GET takes HEAD too, unless another one names HEAD', () => {
    const guarded = new RouteTable([route('any', '/'), route('read', '/a', undefined, ['GET'])]);
    assert.equal(found(guarded, 'h', '/a', 'HEAD'), 'read');
    assert.equal(found(guarded, 'h', '/a', 'POST'), 'any');
    const named = new RouteTable([
      route('any', '/a'),
      route('read', '/a', undefined, ['GET']),
      route('probe', '/a', undefined, ['HEAD']),
    ]);
    assert.equal(found(named, 'h', '/a', 'HEAD'), 'probe');
    assert.equal(found(named, 'h', '/a', 'GET'), 'read');
  });

  test('methods alone make their case matter', () => {
    const methods = new RouteTable([route('any', '/'), route('write', '/', undefined, ['POST'])]);
    assert.equal(found(methods, 'h', '/a//b', 'post'), 'ambiguous');
    assert.equal(found(methods, 'h', '/a//b', 'get'), 'any');
  });
});
