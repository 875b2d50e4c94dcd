import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteTable } from '../../src/routing/route-table.ts';
import { configOf, faultsOf } from './check.ts';

const badHost =
  'is not a host name; must be one such as api.example.com, or *.example.com for all below it, without port';
const badPath =
  "has characters that paths are not compared by; must be letters, digits and -._~!$&'()*+,:@= between slashes";
const unmatchable =
  'is read differently by different servers, so every request for it is refused; must be without segments that end in a dot or look like short names of Windows (/a~1), without :$, and with escapes of visible UTF-8 only';
const rivals = (name: string, line = 4): string =>
  `is the path of the route ${name} (routes[0].match, line ${line}) to servers that ignore case, accents, escapes or a slash at the end, so requests for either are refused; must differ in more`;

/** A file whose only list is that of its routes. */
const fileOf = (routes: readonly string[]): string => `listen: 127.0.0.1:8080
upstreams: { app: { servers: [http://127.0.0.1:9000] } }
routes:
${routes.map((keys) => `  - { auth: none, upstream: app, ${keys} }\n`).join('')}`;
const match = (keys: string): string => `match: { ${keys} }`;
const cors = (keys: string): string => `match: { path: / }, cors: { ${keys} }`;

/** Faults of these routes without their places, which other tests check. */
const faultsIn = (...routes: string[]): string[] =>
  faultsOf(fileOf(routes)).map((fault) => fault.replace(/^f:\d+:\d+: /, ''));

describe('hosts of routes', () => {
  for (const [written, canonical] of [
    ['api.example.com', 'api.example.com'],
    ['"*.Example.COM"', '*.example.com'],
    ['"*.localhost"', '*.localhost'],
    ['"[0::1]"', '[::1]'],
    ['"::1"', '[::1]'],
    ['10.0.0.1', '10.0.0.1'],
  ] as const) {
    test(`${written} is ${canonical}`, () => {
      const [route] = configOf(fileOf([match(`host: ${written}`)])).routes;
      assert.equal(route?.match.host, canonical);
      assert.equal(route?.name, `${canonical}/`);
    });
  }

  for (const host of [
    '*',
    '*.',
    '.a.b',
    '*.*.a.b',
    'a.*.b',
    'a.b.*',
    '*a.b',
    '**.a.b',
    '*.a.b:80',
    '*.a..b',
    '*.a.b.',
    // No name is below an address.
    '*.0.0.1',
    '*.10.0.0.1',
    '*.::1',
    '*.[::1]',
    '[*.::1]',
    '*.0x1',
  ]) {
    test(`${host} is not a host`, () => {
      assert.deepEqual(faultsIn(match(`host: "${host}"`)), [`routes[0].match.host: ${badHost}`]);
    });
  }

  test('one wildcard in two spellings is one', () => {
    assert.deepEqual(faultsIn(match('host: "*.A.b"'), match('host: "*.a.B"')), [
      'routes[1].match: matches the same requests as the route *.a.b/ (routes[0].match, line 4); must differ from it',
    ]);
  });
});

describe('paths that no request can match', () => {
  for (const path of ['/a;b', '/a\\\\b', '/a%20b', '/a%2e', '/a%c3%a9', '/é', '/a%', '/a%3b']) {
    test(`${path} is refused for its characters`, () => {
      assert.deepEqual(faultsIn(match(`path: "${path}"`)), [`routes[0].match.path: ${badPath}`]);
    });
  }

  for (const path of [
    // Not UTF-8: a byte alone, a sequence cut short, overlong, half a surrogate pair, beyond Unicode.
    '/%FF',
    '/a/%C3',
    '/%C0%AF',
    '/%ED%A0%80',
    '/%F4%90%80%80',
    // Invisible characters, and characters that some servers read as a slash.
    '/a%E2%80%8B',
    '/%EF%BC%8F',
    '/a.',
    '/a./b',
    '/admin~1',
    '/a:$b',
  ]) {
    test(`${path} is refused because each of its requests would be`, () => {
      assert.deepEqual(faultsIn(match(`path: "${path}"`)), [`routes[0].match.path: ${unmatchable}`]);
      const table = new RouteTable([{ match: { host: undefined, path, methods: undefined } }]);
      assert.equal(table.find('h', path, 'GET'), 'ambiguous');
    });
  }

  const all = undefined;
  for (const [first, second, firstMethods, secondMethods, dead] of [
    ['/a', '/A', all, all, 'GET'],
    ['/caf%C3%A9', '/cafe', all, all, 'GET'],
    ['/a/%C3%A9', '/a/%C3%89', all, all, 'GET'],
    ['/a/b', '/A/b', all, all, 'GET'],
    ['/a', '/A', all, ['PUT'], 'PUT'],
    ['/a', '/A', ['PUT'], all, 'PUT'],
    ['/a', '/A', ['PUT', 'GET'], ['GET'], 'GET'],
    ['/a', '/A', ['GET'], ['HEAD'], 'HEAD'],
    ['/a', '/A', ['HEAD'], ['GET'], 'HEAD'],
  ] as const) {
    test(`${firstMethods ?? 'all'} ${first} and ${secondMethods ?? 'all'} ${second} shut each other out`, () => {
      const routes = [
        { match: { host: undefined, path: first, methods: firstMethods } },
        { match: { host: undefined, path: second, methods: secondMethods } },
      ];
      const written = routes.map(({ match: { path, methods } }) =>
        match(`path: ${path}${methods === undefined ? '' : `, methods: [${methods}]`}`),
      );
      const name = firstMethods === undefined ? first : `${firstMethods} ${first}`;
      assert.deepEqual(faultsIn(...written), [`routes[1].match.path: ${rivals(name)}`]);
      const table = new RouteTable(routes);
      for (const path of [first, second]) assert.equal(table.find('h', path, dead), 'ambiguous', path);
    });
  }

  for (const [first, second] of [
    ['path: /a', 'path: /a/B'],
    ['path: /a, host: a.b', 'path: /A'],
    ['path: /a, host: a.b', 'path: /A, host: "*.b"'],
    ['path: /a, methods: [GET]', 'path: /A, methods: [PUT]'],
    ['path: /a', 'path: /a, methods: [PUT]'],
    ['host: "*.a"', 'host: "*.b.a"'],
    ['path: /%C3%A9~x/a.b', 'path: /a~b'],
  ] as const) {
    test(`${first} and ${second} do not`, () => {
      const { routes } = configOf(fileOf([match(first), match(second)]));
      const table = new RouteTable(routes);
      for (const route of routes) {
        const { host = 'other', path, methods } = route.match;
        assert.equal(table.find(host.replace('*', 'x'), path, methods?.[0] ?? 'GET'), route);
      }
    });
  }
});

describe('preflight requests', () => {
  test('need a token by default', () => {
    const { routes } = configOf(
      fileOf([
        match('path: /a'),
        'match: { path: /b }, cors: {}',
        'match: { path: /c }, cors: { preflight: pass }',
        'match: { path: /d, methods: [PUT] }, cors: { preflight: answer, origins: [https://a.b] }',
        'match: { path: /e }, cors: { preflight: answer, origins: ["*"] }',
        'match: { path: /f }, cors: { preflight: answer, origins: [http://localhost:3000, "http://[::1]:81", capacitor://localhost], methods: [PATCH], headers: [X-A, accept], maxAge: 10m, credentials: true }',
      ]),
    );
    const silent = { headers: [], maxAgeMs: undefined, credentials: false };
    assert.deepEqual(
      routes.map(({ preflight }) => preflight),
      [
        { kind: 'authenticate' },
        { kind: 'authenticate' },
        { kind: 'pass' },
        { kind: 'answer', origins: ['https://a.b'], methods: ['PUT'], ...silent },
        { kind: 'answer', origins: '*', methods: ['GET', 'HEAD', 'POST'], ...silent },
        {
          kind: 'answer',
          origins: ['http://localhost:3000', 'http://[::1]:81', 'capacitor://localhost'],
          methods: ['PATCH'],
          headers: ['x-a', 'accept'],
          maxAgeMs: 600_000,
          credentials: true,
        },
      ],
    );
  });

  const rows: readonly [what: string, keys: string, ...faults: string[]][] = [
    ['an unknown key', 'prefligt: pass', 'prefligt: is not a known key; must be preflight if that is meant'],
    [
      'an unknown word',
      'preflight: allow',
      'preflight: "allow" does not fit; must be authenticate, pass, answer',
    ],
    [
      'answers that are not given',
      'preflight: pass, origins: [https://a.b], maxAge: 1s',
      'origins: is for preflight: answer only; must be left out, or preflight answer',
      'maxAge: is for preflight: answer only; must be left out, or preflight answer',
    ],
    [
      'answers for no origin',
      'preflight: answer',
      'origins: is missing; must be a list of origins such as [https://app.example.com]',
    ],
    [
      'credentials for everyone',
      'preflight: answer, credentials: true, origins: ["*"]',
      'origins[0]: does not go with credentials: true; must be a list of origins, or credentials false',
    ],
    [
      'everyone and somebody',
      'preflight: answer, origins: [https://a.b, "*"]',
      'origins[1]: stands beside other origins; must be alone, or left out',
    ],
    [
      'the same twice',
      'preflight: answer, origins: [x://a, x://a], methods: [GET, GET], headers: [a, A]',
      'origins[1]: stands in the list twice; must stand once',
      'methods[1]: stands in the list twice; must stand once',
      'headers[1]: stands in the list twice; must stand once',
    ],
    [
      'methods and headers that are none',
      'preflight: answer, origins: [x://a], methods: ["*"], headers: ["a b"]',
      'methods[0]: does not fit; must be a method in capitals such as GET',
      'headers[0]: does not fit; must be the name of a header such as authorization',
    ],
    [
      'a header that is *, which does not stand for authorization',
      'preflight: answer, origins: [x://a], headers: ["*"]',
      'headers[0]: does not fit; must be the name of a header such as authorization',
    ],
  ];
  for (const [what, keys, ...faults] of rows) {
    test(`have no ${what}`, () => {
      assert.deepEqual(
        faultsIn(cors(keys)),
        faults.map((fault) => `routes[0].cors.${fault}`),
      );
    });
  }

  for (const origin of [
    'null',
    'app.example.com',
    'https://a.b/',
    'https://a.b/x',
    'https://a.b?',
    'https://a.b:443',
    'http://a.b:80',
    'HTTPS://a.b',
    'https://A.b',
    'https://*.a.b',
    'https://a,b',
    'https://[::1',
    'https://[0::1]',
    'https://127.1',
    'https://u@a.b',
    'https://a.b ',
    'https://a.b, https://c.d',
    'https://',
    'x://a/b',
    'x://A',
    'x://',
  ]) {
    test(`come from no origin "${origin}"`, () => {
      assert.deepEqual(faultsIn(cors(`preflight: answer, origins: ["${origin}"]`)), [
        'routes[0].cors.origins[0]: is not an origin as browsers send it; must be scheme://host in small letters, with the port if it is not the usual one, and nothing behind, such as https://app.example.com',
      ]);
    });
  }
});

describe('routes that deny', () => {
  const file = (keys: string): string =>
    `listen: 127.0.0.1:8080\nroutes: [{ match: { path: / }, upstream: "http://127.0.0.1:9", ${keys} }]\n`;
  const said = (keys: string): string[] =>
    faultsOf(file(keys)).map((fault) => fault.replace(/^f:\d+:\d+: /, ''));

  test('they accept no issuer', () => {
    assert.deepEqual(configOf(file('auth: deny')).routes[0]?.auth, []);
  });

  test('they take no token, demand nothing and let no preflight pass', () => {
    for (const keys of ['token: header', 'require: { scopes: [a] }', 'cors: { preflight: pass }'])
      assert.equal(said(`auth: deny, ${keys}`).length, 1, keys);
    assert.match(said('auth: [deny]')[0] ?? '', /deny stands in a list/);
  });

  test('no issuer has that name', () => {
    const text = `issuers: { deny: { issuer: a, audience: b, algorithms: [HS256], keys: { secret: ${'s'.repeat(32)} } } }\n${file('auth: deny')}`;
    assert.match(faultsOf(text)[0] ?? '', /auth: deny means no request/);
  });
});

test('`forward.remove` names headers once, and none with a meaning of its own', () => {
  const remove = (names: string): string => fileOf([`match: { path: / }, forward: { remove: [${names}] }`]);
  assert.deepEqual(configOf(remove('X-Real-IP')).routes[0]?.forward.remove, ['X-Real-IP']);
  assert.match(faultsOf(remove('Host'))[0] ?? '', /meaning of its own/);
  assert.match(faultsOf(remove('X-A, x_a'))[0] ?? '', /is the same header as X-A/);
});
