import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../../src/routing/route-table.ts';
import { configOf, faultsOf } from './check.ts';

const fileOf = (...matches: string[]): string => `listen: 127.0.0.1:8080
upstreams: { app: { servers: [http://127.0.0.1:9000] }, other: { servers: [http://127.0.0.1:9001] } }
routes:
${matches.map((match, at) => `  - { auth: none, upstream: ${at === 0 ? 'app' : 'other'}, match: ${match} }\n`).join('')}`;

describe('a route names how it takes paths', () => {
  const rows: readonly [match: string, name: string, path: string, kind?: string][] = [
    ['{ path: /b }', '/b', '/b'],
    ['{}', '/', '/'],
    ['{ prefix: /b }', '/b (prefix)', '/b', 'prefix'],
    ['{ prefix: /b/ }', '/b/ (prefix)', '/b/', 'prefix'],
    ['{ prefix: /.g }', '/.g (prefix)', '/.g', 'prefix'],
    ['{ prefix: /. }', '/. (prefix)', '/.', 'prefix'],
    ['{ prefix: /a/v1. }', '/a/v1. (prefix)', '/a/v1.', 'prefix'],
    // Every path begins with a slash.
    ['{ prefix: / }', '/', '/'],
    ['{ exact: / }', '/ (exact)', '/', 'exact'],
    ['{ exact: /b/ }', '/b/ (exact)', '/b/', 'exact'],
    ['{ host: a.b, exact: /b, methods: [GET] }', 'GET a.b/b (exact)', '/b', 'exact'],
    ['{ prefix: { literal: "/b*" } }', '/b* (prefix)', '/b*', 'prefix'],
  ];
  for (const [match, name, path, kind] of rows) {
    test(match, () => {
      const [route] = configOf(fileOf(match)).routes;
      assert.deepEqual([route?.name, route?.match.path, route?.match.kind], [name, path, kind]);
    });
  }
});

describe('what is wrong with it is named', () => {
  const lone = 'must be the only one of path, prefix and exact';
  const rivals =
    'to servers that ignore case, accents, escapes or a slash at the end, so requests for either are refused';
  const rows: readonly [matches: readonly string[], ...faults: string[]][] = [
    [['{ path: /a, prefix: /b }'], `routes[0].match.prefix: stands beside path; ${lone}`],
    [['{ exact: /a, prefix: /b }'], `routes[0].match.exact: stands beside prefix; ${lone}`],
    [
      ['{ prefix: /b* }'],
      'routes[0].match.prefix: has *, and paths are no patterns; must be /b, which covers all that begins with /b, or { literal: "/b*" } for the characters themselves',
    ],
    [
      ['{ exact: "/b$" }'],
      'routes[0].match.exact: has $, and paths are no patterns; must be /b, which covers /b alone, or { literal: "/b$" } for the characters themselves',
    ],
    [['{ prefix: b }'], 'routes[0].match.prefix: does not start with /; must be a path such as /orders'],
    [
      ['{ prefix: 5 }'],
      'routes[0].match.prefix: is a number; must be a path such as /orders, or { literal: "/a*" }',
    ],
    [['{ prefix: /a/../b }'], 'routes[0].match.prefix: has an empty, "." or ".." segment; must be without'],
    [['{ exact: /a/.. }'], 'routes[0].match.exact: has an empty, "." or ".." segment; must be without'],
    [
      ['{ exact: /a. }'],
      'routes[0].match.exact: is read differently by different servers, so every request for it is refused; must be without segments that end in a dot or look like short names of Windows (/a~1), without :$, and with escapes of visible UTF-8 only',
    ],
    [
      ['{ prefix: /a }', '{ prefix: /a }'],
      'routes[1].match: matches the same requests as the route /a (prefix) (routes[0].match, line 4); must differ from it',
    ],
    [
      ['{ path: / }', '{ prefix: / }'],
      'routes[1].match: matches the same requests as the route / (routes[0].match, line 4); must differ from it',
    ],
    [
      ['{ prefix: /a }', '{ prefix: /A }'],
      `routes[1].match.prefix: is the path of the route /a (prefix) (routes[0].match, line 4) ${rivals}; must differ in more`,
    ],
    [
      ['{ exact: /a }', '{ exact: /a/ }'],
      `routes[1].match.exact: is the path of the route /a (exact) (routes[0].match, line 4) ${rivals}; must differ in more`,
    ],
    // A part that is wrong is told once.
    [
      ['{ path: / }', '{ prefix: [/a] }'],
      'routes[1].match.prefix: is a list; must be a path such as /orders, or { literal: "/a*" }',
    ],
    [
      ['{ pathPrefix: /a }'],
      'routes[0].match.pathPrefix: is not a known key; must be prefix if that is meant',
    ],
  ];
  for (const [matches, ...faults] of rows) {
    test(matches.join(' and '), () => {
      // Other tests check the places.
      assert.deepEqual(
        faultsOf(fileOf(...matches)).map((fault) => fault.replace(/^f:\d+:\d+: /, '')),
        faults,
      );
    });
  }
});

describe('routes that look alike and differ', () => {
  const rows: readonly (readonly string[])[] = [
    ['{ path: /a }', '{ prefix: /a }', '{ exact: /a }', '{ prefix: /a/ }'],
    ['{ path: / }', '{ exact: / }'],
    ['{ prefix: /a }', '{ path: /A }'],
    ['{ prefix: /a, methods: [GET] }', '{ prefix: /a, methods: [PUT] }'],
    // Both spellings of one page with the same treatment.
    ['{ path: / }', '{ exact: /a }', '{ exact: /a/ }'],
  ];
  for (const matches of rows) {
    test(matches.join(' and '), () => {
      const { routes } = configOf(fileOf(...matches));
      assert.equal(new Set(routes.map(({ name }) => name)).size, matches.length);
      new RouteTable(routes);
    });
  }
});
