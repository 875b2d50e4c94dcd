import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../../src/routing/route-table.ts';
import { type Named, routeOf } from './written-routes.ts';

type Row = readonly [request: string, name: string | undefined];

/** A request is a path, with its method before it if that is not GET. */
function found(table: RouteTable<Named>, request: string): string | undefined {
  const [path = '', method = 'GET'] = request.split(' ').reverse();
  const route = table.find('a.example', path, method);
  return typeof route === 'object' ? route.name : route;
}

const cases: readonly [what: string, routes: readonly string[], rows: readonly Row[]][] = [
  [
    'a prefix takes all that begins with its letters',
    ['/', 'prefix /b', 'prefix /caf%C3%A9'],
    [
      ['/b', 'prefix /b'],
      ['/b/', 'prefix /b'],
      ['/b/c', 'prefix /b'],
      ['/bats', 'prefix /b'],
      ['/bats/c', 'prefix /b'],
      ['/b.txt', 'prefix /b'],
      ['/b%20c', 'prefix /b'],
      ['/b%C3%A9', 'prefix /b'],
      ['/caf%C3%A9s', 'prefix /caf%C3%A9'],
      ['/', '/'],
      ['/a', '/'],
      ['/a/b', '/'],
      ['/cafes', 'ambiguous'],
    ],
  ],
  [
    'a prefix with a slash at the end takes what is below',
    ['/', 'prefix /b/'],
    [
      ['/b/', 'prefix /b/'],
      ['/b/c', 'prefix /b/'],
      ['/bats', '/'],
      // Servers that drop the slash, or add it, have one page there.
      ['/b', 'ambiguous'],
      ['/B', 'ambiguous'],
    ],
  ],
  [
    'an exact path is taken alone',
    ['/', 'exact /b', 'exact /c/d', 'exact /e/'],
    [
      ['/b', 'exact /b'],
      ['/c/d', 'exact /c/d'],
      ['/e/', 'exact /e/'],
      ['/b/c', '/'],
      ['/bats', '/'],
      ['/c', '/'],
      ['/c/d/e', '/'],
      ['/c/d/e/f', '/'],
      ['/e/f', '/'],
      ['/b/', 'ambiguous'],
      ['/c/d/', 'ambiguous'],
      ['/e', 'ambiguous'],
    ],
  ],
  [
    'the exact path of the top is no other',
    ['/', 'exact /'],
    [
      ['/', 'exact /'],
      ['/a', '/'],
      ['//', 'ambiguous'],
      ['/.', 'ambiguous'],
      ['/;a', 'ambiguous'],
      ['/%3Fa/b', 'ambiguous'],
      ['/a//', '/'],
    ],
  ],
  [
    'an exact path comes first, then the longest, then whole segments before letters',
    ['/', 'exact /a/b', '/a/b', 'prefix /a/b', 'prefix /a/bc', '/a/bcd', 'prefix /a/b/', 'prefix /'],
    [
      ['/a/b', 'exact /a/b'],
      ['/a/b/c', 'prefix /a/b/'],
      ['/a/bx', 'prefix /a/b'],
      ['/a/bc', 'prefix /a/bc'],
      ['/a/bc/d', 'prefix /a/bc'],
      ['/a/bcd', '/a/bcd'],
      ['/a/bcd/e', '/a/bcd'],
      ['/a/bcde', 'prefix /a/bc'],
      ['/a', '/'],
    ],
  ],
  [
    'of the same text, the path for whole segments is more specific than the letters',
    ['/', 'prefix /b', '/b'],
    [
      ['/b', '/b'],
      ['/b/c', '/b'],
      ['/b/', '/b'],
      ['/bats', 'prefix /b'],
    ],
  ],
  [
    'a method that the most specific match does not have goes on to the next',
    ['/', 'POST exact /b', 'GET prefix /b', 'PUT /b'],
    [
      ['POST /b', 'POST exact /b'],
      ['/b', 'GET prefix /b'],
      ['HEAD /b', 'GET prefix /b'],
      ['PUT /b', 'PUT /b'],
      ['PUT /bats', '/'],
      ['DELETE /b', '/'],
      ['post /b', 'ambiguous'],
      ['post /c', '/'],
    ],
  ],
  [
    'without a route for all paths, nothing else is taken',
    ['prefix /b', 'exact /a'],
    [
      ['/b', 'prefix /b'],
      ['/a', 'exact /a'],
      ['/a/', undefined],
      ['/a/b', undefined],
      ['/c', undefined],
      ['/B', undefined],
    ],
  ],
  [
    'a path and a prefix below it share what is there',
    ['/', '/b', 'prefix /b/'],
    [
      ['/b', '/b'],
      ['/b/c', 'prefix /b/'],
      ['/b/', 'ambiguous'],
      ['/b/;x', 'ambiguous'],
      ['/b/c;x', 'prefix /b/'],
    ],
  ],
];

describe('prefixes and exact paths', () => {
  for (const [what, names, rows] of cases) {
    test(what, () => {
      for (const order of [names, names.toReversed()]) {
        const table = new RouteTable(order.map(routeOf));
        for (const [request, name] of rows) {
          // The path `/` and the prefix `/` are one; the first one is found.
          const isTop = (text: string | undefined) => text === 'prefix /' || text === '/';
          const seen = found(table, request);
          assert.equal(isTop(seen) && isTop(name) ? name : seen, name, request);
        }
      }
    });
  }
});

describe('other readings of a path that a guarded route may take', () => {
  const guarded: readonly [route: string, ambiguous: readonly string[], free: readonly string[]][] = [
    [
      'prefix /adm',
      [
        ...['/ADMIN', '/Adm', '/%61dmin', '/%C3%A1dmin', '/x/../admin', '/%2e/admin', '//admin', '/;x/admin'],
        ...['/%20admin', '/.;/adm', '/x%2F..%2Fadmin', '/x\\..\\adm', '/x/..%2fadminx', '/%2561dmin'],
        ...['/%EF%BD%81dm', '/a%CC%81dmin', '/ad%E2%80%8Dmin', '/%2Fadmin', '/x/%2e%2e/adm', '/adm%', '/ad<'],
      ],
      ['/ad', '/x/adm', '/x;/adm', '/x%2fadm', '/x/Adm', '/a;dm', '/ad.m', '/ad/m'],
    ],
    [
      'exact /admin',
      [
        ...[
          '/ADMIN',
          '/%61dmin',
          '/%C3%A1dmin',
          '/admin/',
          '/admin;x',
          '/admin;x/y',
          '/admin%3Fx',
          '/admin.',
        ],
        ...[
          '/admin%20',
          '/admin%23/x',
          '/admin//',
          '/admin/.',
          '/x/../admin',
          '//admin',
          '/;x/admin',
          '/ADMIN/',
        ],
        ...['/admin/;x', '/admin%2F', '/admin\\', '/admin::$DATA', '/%20admin', '/.;/admin'],
      ],
      [
        '/admin/x',
        '/ADMIN/x',
        '/admins',
        '/admin/x;y',
        '/admin/x%2Fy',
        '/admin//x',
        '/x/admin',
        '/admin/x/.',
      ],
    ],
    [
      'prefix /a.b:',
      ['/A.b:c', '/a%2Eb:c', '/%61.b:', '/x/../a.b:', '//a.b:c'],
      ['/a.b', '/a.b;', '/a.bc', '/x;/a.b:'],
    ],
  ];
  for (const [name, ambiguous, free] of guarded) {
    const table = new RouteTable(['/', name].map(routeOf));
    for (const path of ambiguous) {
      test(`${name}: ${path}`, () => assert.equal(found(table, path), 'ambiguous'));
    }
    for (const path of free) test(`${name}: not ${path}`, () => assert.equal(found(table, path), '/'));
  }

  const left: readonly [route: string, ambiguous: readonly string[], kept: readonly string[]][] = [
    [
      'prefix /pub',
      [
        ...['/pub/../admin', '/public/%2e%2e/x', '/pub%2F..%2Fx', '/pub%00', '/pub%', '/PUB', '/p%75b'],
        // A server that normalises text sees the letter ḅ or ḃ, with which the prefix does not end.
        ...['/pub%CC%A3', '/pub%CC%A3lic', '/pub%CC%87/x', '/pub%E2%80%8D%CC%87', '/pub%CC%A3;x'],
      ],
      [
        '/pub',
        '/public',
        '/pub/x;y',
        '/public;x',
        '/pub%2Fx',
        '/pub%3Fx',
        '/pub//x',
        '/pub.',
        '/pub%C3%A9',
        '/pub/%CC%87',
      ],
    ],
    ['prefix /v1.', ['/v1.', '/v1./x', '/v1.;x', '/v1.a;x'], ['/v1.a', '/v1.0/x', '/v1.a/%C3%A9']],
    ['prefix /a~', ['/a~1', '/a~b%2Fc'], ['/a~b', '/a~b/c']],
    ['exact /pub', ['/PUB', '/pub/', '/pub;x', '/x/../pub'], ['/pub']],
  ];
  for (const [name, ambiguous, kept] of left) {
    const table = new RouteTable(['/', name].map(routeOf));
    for (const path of ambiguous) {
      test(`out of ${name}: ${path}`, () => assert.equal(found(table, path), 'ambiguous'));
    }
    for (const path of kept) test(`inside ${name}: ${path}`, () => assert.equal(found(table, path), name));
  }

  test('have a name in logs', () => {
    const table = new RouteTable(['/', 'exact /b', 'prefix /c/', '/d'].map(routeOf));
    const rules = ['/b/', '/c', '/B', '/b;x', '/%63/', '/d/../x'].map((path) => {
      assert.equal(found(table, path), 'ambiguous', path);
      return table.ruleOf({ host: 'a', path, method: 'GET' });
    });
    assert.deepEqual(rules, [
      'trailing_slash',
      'trailing_slash',
      'spelling',
      'parameter',
      'encoded_letter',
      'dot_segment',
    ]);
  });
});
