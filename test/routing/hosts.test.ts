import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostTable } from '../../src/routing/host-table.ts';
import { RouteTable } from '../../src/routing/route-table.ts';

describe('the most specific host takes precedence', () => {
  const table = new HostTable(
    [
      'api.example.com',
      '*.api.example.com',
      '*.example.com',
      '*.EU.example.com',
      '[::1]',
      '[::ffff:7f00:1]',
      '10.0.0.1',
      undefined,
    ].map((host) => [host, host ?? 'any'] as const),
  );
  const rows: readonly [host: string, ...found: string[]][] = [
    ['api.example.com', 'api.example.com', '*.example.com', 'any'],
    ['v1.api.example.com', '*.api.example.com', '*.example.com', 'any'],
    ['a.b.v1.api.example.com', '*.api.example.com', '*.example.com', 'any'],
    ['www.example.com', '*.example.com', 'any'],
    ['a.b.example.com', '*.example.com', 'any'],
    ['x.eu.example.com', '*.EU.example.com', '*.example.com', 'any'],
    ['eu.example.com', '*.example.com', 'any'],
    // Never the name itself, and whole labels only.
    ['example.com', 'any'],
    ['xexample.com', 'any'],
    ['www.xexample.com', 'any'],
    ['www.example.com.evil', 'any'],
    ['com', 'any'],
    // Other spellings of one host.
    ['WWW.Example.COM:8080', '*.example.com', 'any'],
    ['www.example.com.', '*.example.com', 'any'],
    ['www.example.com.:80', '*.example.com', 'any'],
    ['API.example.com.', 'api.example.com', '*.example.com', 'any'],
    ['[0::1]', '[::1]', 'any'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]', 'any'],
    ['[::FFFF:127.0.0.1]', '[::ffff:7f00:1]', 'any'],
    ['10.0.0.1:80', '10.0.0.1', 'any'],
    ['10.1', '10.0.0.1', 'any'],
    ['0x0a000001', '10.0.0.1', 'any'],
    ['10.0.0.01', '10.0.0.1', 'any'],
    ['[::2]', 'any'],
    ['[:::]', 'any'],
    // Names that end in a number, as container platforms give them.
    ['app.1', 'any'],
    ['*.example.com', '*.example.com', 'any'],
    ['__proto__', 'any'],
    [`${'a'.repeat(16_000)}.example.com`, '*.example.com', 'any'],
    [`${'a.'.repeat(8_000)}example.com`, '*.example.com', 'any'],
  ];
  for (const [host, ...found] of rows) {
    test(`${host.slice(0, 40)} → ${found.join(', ')}`, () => {
      assert.deepEqual(table.find(host), found);
      assert.deepEqual(table.find(host), found, 'asked again');
    });
  }

  for (const host of [
    '..example.com',
    '.example.com',
    'www..example.com',
    'www.example.com..',
    '.',
    '..',
    ':80',
  ]) {
    test(`${host} has an empty label, and is no host`, () => assert.equal(table.find(host), undefined));
  }

  test('without names no host is read', () => {
    assert.deepEqual(new HostTable([[undefined, 1]]).find('..'), [1]);
  });

  test('without a value for any host there may be none', () => {
    assert.deepEqual(new HostTable([['*.a', 1]]).find('b'), []);
  });

  test('a look-up tries no more names than the longest wildcard has labels', (t) => {
    const hosts = Array.from({ length: 1000 }, (_, at) => [`*.h${at}.example`, at] as const);
    const many = new HostTable(hosts);
    const get = t.mock.method(Map.prototype, 'get');
    assert.deepEqual(many.find(`${'a.'.repeat(1000)}h7.example`), [7]);
    const asked = get.mock.callCount();
    get.mock.restore();
    assert.ok(asked <= 4, `${asked}`);
  });
});

interface Named {
  readonly name: string;
  readonly match: { host: string | undefined; path: string; methods: readonly string[] | undefined };
}

/** A route is named after its match; `!` stands before those that demand a token. */
const routes = (...names: string[]): Named[] =>
  names.map((name) => {
    const [, methods, host, path = '/'] = /^!?(?:([A-Z,]+) )?([^/]+)?(\/.*)$/.exec(name) ?? [];
    return { name, match: { host, path, methods: methods?.split(',') } };
  });

function found(table: RouteTable<Named>, url: string, method = 'GET'): string | undefined {
  const slash = url.indexOf('/');
  const route = table.find(url.slice(0, slash), url.slice(slash), method);
  return typeof route === 'object' ? route.name : route;
}

describe('routes of wildcards', () => {
  const cases: readonly [
    string,
    string[],
    readonly [url: string, name: string | undefined, method?: string][],
  ][] = [
    [
      'a host comes before a path',
      ['/', '/deep/path', '*.example.com/', 'api.example.com/', '*.api.example.com/v1'],
      [
        ['other/deep/path', '/deep/path'],
        ['www.example.com/deep/path', '*.example.com/'],
        ['api.example.com/deep/path', 'api.example.com/'],
        ['x.api.example.com/v1', '*.api.example.com/v1'],
        ['x.api.example.com/v2', '*.example.com/'],
      ],
    ],
    [
      'what the routes of a host do not take goes on to the next wildcard, then to any host',
      ['a.b.c/own', '*.b.c/near', '*.c/far', '/any'],
      [
        ['a.b.c/own', 'a.b.c/own'],
        ['a.b.c/near', '*.b.c/near'],
        ['a.b.c/far', '*.c/far'],
        ['a.b.c/any', '/any'],
        ['a.b.c/none', undefined],
        ['x.b.c/own', undefined],
        ['b.c/near', undefined],
        ['b.c/far', '*.c/far'],
      ],
    ],
    [
      'a guarded wildcard is not passed by a public route for any host',
      ['/', '!*.example.com/'],
      [
        ['www.example.com/x', '!*.example.com/'],
        ['WWW.EXAMPLE.COM/x', '!*.example.com/'],
        ['www.example.com.:8080/x', '!*.example.com/'],
        ['www.example.com../x', 'ambiguous'],
        ['www..example.com/x', 'ambiguous'],
        ['.example.com/x', 'ambiguous'],
        ['example.com/x', '/'],
      ],
    ],
    [
      'a guarded part of a wildcard is not passed in another spelling by a public route for any host',
      ['/', '!*.example.com/admin'],
      [
        ['www.example.com/admin/x', '!*.example.com/admin'],
        ['www.example.com/Admin/x', 'ambiguous'],
        ['www.example.com/%C3%A1dmin', 'ambiguous'],
        ['www.example.com/x/../admin', 'ambiguous'],
        ['www.example.com/other', '/'],
        ['www.other.com/Admin', '/'],
      ],
    ],
    [
      'nor by a public route of a more specific host',
      ['!*.example.com/', 'www.example.com/public', '/'],
      [
        ['www.example.com/public', 'www.example.com/public'],
        ['www.example.com/PUBLIC', 'ambiguous'],
        ['www.example.com/public/../x', 'ambiguous'],
        ['www.example.com/publicx', '!*.example.com/'],
        ['api.example.com/public', '!*.example.com/'],
        ['example.com/public', '/'],
      ],
    ],
    [
      'a guarded path of any host is not passed in another spelling by a public part of a wildcard',
      ['!/', '*.example.com/open'],
      [
        ['www.example.com/open', '*.example.com/open'],
        ['www.example.com/OPEN', 'ambiguous'],
        ['www.example.com/other', '!/'],
        ['example.com/open', '!/'],
      ],
    ],
    [
      'but a public wildcard for all paths takes what any host guards',
      ['!/admin', '*.example.com/'],
      [
        ['www.example.com/admin', '*.example.com/'],
        ['example.com/admin', '!/admin'],
      ],
    ],
    [
      'a longer wildcard guards a part of a shorter one',
      ['*.example.com/', '!*.internal.example.com/'],
      [
        ['a.example.com/', '*.example.com/'],
        ['a.internal.example.com/', '!*.internal.example.com/'],
        ['A.Internal.Example.com./', '!*.internal.example.com/'],
        // A wildcard does not cover its own name.
        ['internal.example.com/', '*.example.com/'],
      ],
    ],
    [
      'methods a wildcard does not name go on',
      ['!/', 'GET *.example.com/'],
      [
        ['a.example.com/', 'GET *.example.com/'],
        ['a.example.com/', 'GET *.example.com/', 'HEAD'],
        ['a.example.com/', '!/', 'POST'],
        ['a.example.com/', 'ambiguous', 'get'],
      ],
    ],
  ];
  for (const [what, names, rows] of cases) {
    test(what, () => {
      for (const list of [routes(...names), routes(...names).toReversed()]) {
        const table = new RouteTable(list);
        for (const [url, name, method] of rows)
          assert.equal(found(table, url, method), name, `${method} ${url}`);
      }
    });
  }
});
