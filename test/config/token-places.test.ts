import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RouteConfig } from '../../src/config/config.ts';
import { configOf, faultsOf } from './check.ts';

const file = (routes: string): string => `listen: 127.0.0.1:0
issuers:
  app: { issuer: https://idp, audience: api, algorithms: [RS256], keys: { pem: public-key.pem } }
upstreams: { app: { servers: [http://127.0.0.1:9000] } }
routes:
${routes}
`;
const line = (text: string, path = '/', auth = 'app'): string =>
  `- { match: { path: ${path} }, upstream: app, auth: ${auth}, ${text} }`;

const routeOf = (text: string): RouteConfig => configOf(file(line(text))).routes[0] as RouteConfig;
/** Faults without their place in the file, which `at` tests. */
const faults = (...lines: string[]): readonly string[] =>
  faultsOf(file(lines.join('\n'))).map((fault) => fault.replace(/^f:\d+:\d+: /, ''));

describe('places of tokens', () => {
  test('are read in their order', () => {
    assert.deepEqual(
      routeOf(
        'token: [header, "header:X-Auth", "header:X-Id JWT", "header:Authorization Token", "cookie:__Host-t!", "query:a.t"]',
      ).token,
      [
        { kind: 'header', name: 'authorization', scheme: 'Bearer' },
        { kind: 'header', name: 'x-auth', scheme: undefined },
        { kind: 'header', name: 'x-id', scheme: 'JWT' },
        { kind: 'header', name: 'authorization', scheme: 'Token' },
        { kind: 'cookie', name: '__Host-t!' },
        { kind: 'query', name: 'a.t' },
      ],
    );
    assert.deepEqual(routeOf('token: "cookie:t"').token, [{ kind: 'cookie', name: 't' }]);
  });

  test('are left out when they are the usual one alone', () => {
    for (const text of ['token: header', 'token: [header]', 'token: ["header:Authorization bearer"]']) {
      assert.equal('token' in routeOf(text), false, text);
    }
    assert.deepEqual(routeOf('token: "header:Authorization"').token, [
      { kind: 'header', name: 'authorization', scheme: undefined },
    ]);
  });

  test('in a URL give a warning, others none', () => {
    assert.deepEqual(configOf(file(line('token: [header, "query:t"]'))).warnings, [
      'f:6:67: routes[0].token[1]: tokens in URLs are kept by browsers and by logs in front of the gateway',
    ]);
    assert.deepEqual(configOf(file(line('token: [header, "cookie:t", "header:X-T"]'))).warnings, []);
  });

  const place =
    'must be header, "header:NAME", "header:NAME SCHEME", "cookie:NAME", "query:NAME" or "protocol:NAME"';
  const cookieName =
    "has no name of a cookie; must be letters, digits and !#$%&'*+-.^_`|~ behind cookie: such as cookie:access_token";
  const parameterName =
    'has no name of a parameter; must be letters, digits and -._~ behind query: such as query:access_token';
  const headerName = 'is not a header name; must be letters, digits and "-" such as X-User-Id';
  const reserved = 'is a header with a meaning of its own; must be another such as X-User-Id';
  const scheme =
    'has no scheme behind the header; must be one word such as "header:X-Token Bearer", or left out';
  const twice = 'is a place that another of the list has already; must be another, or left out';
  const rows: readonly (readonly [written: string, fault: string])[] = [
    ['body', `does not fit; ${place}`],
    ['Header', `does not fit; ${place}`],
    ['cookie', `does not fit; ${place}`],
    ['"cookies:t"', `does not fit; ${place}`],
    ['5', `is a number; ${place}`],
    ['"cookie:"', cookieName],
    ['"cookie:a b"', cookieName],
    ['"cookie:a;b"', cookieName],
    ['"cookie:a=b"', cookieName],
    ['"cookie:é"', cookieName],
    ['"query:"', parameterName],
    ['"query:a%62"', parameterName],
    ['"query:a+b"', parameterName],
    ['"query:a[]"', parameterName],
    ['"header:"', headerName],
    ['"header:X:Y"', headerName],
    ['"header: X"', headerName],
    ['"header:Cookie"', reserved],
    ['"header:Proxy-Authorization Bearer"', reserved],
    ['"header:content_type"', reserved],
    ['"header:X-T A B"', scheme],
    ['"header:X-T "', scheme],
    ['"header:X-T a,b"', scheme],
  ];
  for (const [written, fault] of rows) {
    test(`${written} is refused`, () => {
      assert.deepEqual(faults(line(`token: [${written}]`)), [`routes[0].token[0]: ${fault}`]);
    });
  }

  for (const list of [
    'header, header',
    'header, "header:authorization BEARER"',
    'header, "header:Authorization"',
    '"header:X-T", "header:x_t JWT"',
    '"cookie:a", "cookie:a"',
    '"cookie:a", "cookie:A"',
    '"query:a", "query:a"',
    '"query:a_b", "query:a.b"',
  ]) {
    test(`${list} is the same place twice`, () => {
      assert.deepEqual(faults(line(`token: [${list}]`)), [`routes[0].token[1]: ${twice}`]);
    });
  }

  test('that differ only in kind are two', () => {
    assert.deepEqual(faults(line('token: ["cookie:a", "query:a", "header:A"]')), []);
  });

  test('are reported at their place in the file', () => {
    assert.deepEqual(faultsOf(file(line('token: [header, "cookie:"]'))), [
      `f:6:67: routes[0].token[1]: ${cookieName}`,
    ]);
    assert.deepEqual(faultsOf(file(line('token: "cookie:"'))), [`f:6:58: routes[0].token: ${cookieName}`]);
  });

  test('and public routes exclude each other', () => {
    assert.deepEqual(faults(line('token: header', '/', 'none')), [
      'routes[0].token: says where tokens stand, and auth is none; must be left out, or auth an issuer',
    ]);
  });

  test('are no header that any route writes', () => {
    const clash = 'has a header that a route writes for its upstream; must be another';
    const carrier = line('token: [header, "header:X-Token"]');
    for (const forward of ['headers: { x_token: sub }', 'payload: X-TOKEN', 'set: { X.Token: a }']) {
      assert.deepEqual(faults(carrier, line(`forward: { ${forward} }`, '/other', 'none')), [
        `routes[0].token: ${clash}`,
      ]);
    }
    assert.deepEqual(faults(carrier, line('forward: { set: { X-Token-2: a } }', '/other')), []);
  });
});

describe('headers for upstream', () => {
  test('have a form, a payload and fixed ones', () => {
    assert.deepEqual(
      routeOf(
        'forward: { headers: { X-A: a, X-B: { claim: b.c, as: csv }, X-C: { claim: c }, X-D: { claim: d, as: auto } }, payload: X-P, set: { X-S: "a b", X-T: "%" } }',
      ).forward,
      {
        headers: new Map<string, unknown>([
          ['X-A', 'a'],
          ['X-B', { claim: 'b.c', as: 'csv' }],
          ['X-C', 'c'],
          ['X-D', 'd'],
        ]),
        payload: 'X-P',
        set: new Map([
          ['X-S', 'a b'],
          ['X-T', '%'],
        ]),
        token: 'keep',
        forwarded: new Set(['for', 'proto', 'host']),
      },
    );
  });

  const value = 'must be visible ASCII with inner spaces at most, up to 1024 characters';
  const name = 'is not a header name; must be letters, digits and "-" such as X-User-Id';
  const reserved = 'is a header with a meaning of its own; must be another such as X-User-Id';
  const twin = (other: string): string =>
    `is the same header as ${other} for many servers; must differ in more than case, "-", "_" and other marks`;
  const rows: readonly (readonly [written: string, fault: string])[] = [
    [
      'headers: { X-A: { claim: a, as: yaml } }',
      'headers.X-A.as: does not fit; must be auto, string, csv, json, base64url',
    ],
    [
      'headers: { X-A: { as: csv } }',
      'headers.X-A.claim: is missing; must be the name of a claim such as sub or realm.roles',
    ],
    [
      'headers: { X-A: { claim: a..b } }',
      'headers.X-A.claim: has an empty part in the path of a claim; must be such as sub or realm.roles',
    ],
    [
      'headers: { X-A: { claim: a, az: csv } }',
      'headers.X-A.az: is not a known key; must be as if that is meant',
    ],
    [
      'headers: { X-A: 5 }',
      'headers.X-A: is a number; must be the name of a claim such as sub or realm.roles, a list of names such as [kubernetes.io, namespace], or { claim: roles, as: csv }',
    ],
    ['payload: "X P"', `payload: ${name}`],
    ['payload: Authorization', `payload: ${reserved}`],
    ['headers: { X-P: p }, payload: x_p', `payload: ${twin('X-P')}`],
    ['set: { "X S": a }', `set["X S"]: ${name}`],
    ['set: { Host: a }', `set.Host: ${reserved}`],
    ['set: { authorization: Bearer x }', `set.authorization: ${reserved}`],
    ['set: { X-Forwarded-For: 10.0.0.1 }', `set.X-Forwarded-For: ${reserved}`],
    ['set: { X-P: a, x_p: b }', `set.x_p: ${twin('X-P')}`],
    ['payload: X-P, set: { x.p: a }', `set["x.p"]: ${twin('X-P')}`],
    ['headers: { X-P: p }, set: { X-p: a }', `set.X-p: ${twin('X-P')}`],
    ['set: { X-S: "" }', `set.X-S: is empty; ${value}`],
    ['set: { X-S: 5 }', `set.X-S: is a number; ${value}`],
    ['set: { X-S: " a" }', `set.X-S: does not fit; ${value}`],
    ['set: { X-S: "a\\r\\nX-Admin: 1" }', `set.X-S: does not fit; ${value}`],
    ['set: { X-S: "é" }', `set.X-S: does not fit; ${value}`],
    [`set: { X-S: ${'a'.repeat(1025)} }`, `set.X-S: does not fit; ${value}`],
    [
      'set: [X-S]',
      'set: is a list; must be a mapping from header names to values such as { X-Gateway: portcullis }',
    ],
  ];
  for (const [written, fault] of rows) {
    test(`${written.slice(0, 60)} is refused`, () => {
      assert.deepEqual(faults(line(`forward: { ${written} }`)), [`routes[0].forward.${fault}`]);
    });
  }
});
