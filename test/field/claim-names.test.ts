// Source: envoyproxy/envoy#46435, claims whose names hold dots, as Kubernetes and many others have them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { configOf, faultsOf } from '../config/check.ts';
import { claims, SECRET, Stand } from '../hostile/stand.ts';
import { hs256 } from '../support/tokens.ts';

const file = (route: string, issuer = ''): string => `listen: 127.0.0.1:0
upstreams: { app: { servers: [http://127.0.0.1:9000] } }
issuers: { app: { issuer: https://issuer.example, audience: orders, algorithms: [HS256], keys: { secret: "${SECRET}" }${issuer} } }
routes: [ { match: { path: / }, auth: app, upstream: app, ${route} } ]
`;

/** A gateway with the issuer and the route of this file. */
async function withFile(text: string, use: (stand: Stand) => Promise<void>): Promise<void> {
  const config: Config = configOf(text);
  const [route] = config.routes;
  assert.ok(route !== undefined);
  const stand = await Stand.start([...config.issuers.values()], {}, route);
  try {
    await use(stand);
  } finally {
    await stand.close();
  }
}

const nested = { 'kubernetes.io': { namespace: 'prod', pod: { name: 'web-0', uid: 'u' } } };
const token = (more: Readonly<Record<string, unknown>>): string => hs256(SECRET, claims(more));

describe('a claim as a list of names', () => {
  test('is sent as a header, and dots of plain text keep their meaning', () =>
    withFile(
      file(
        'forward: { headers: { X-Ns: [kubernetes.io, namespace], X-Pod: { claim: [kubernetes.io, pod], as: json }, X-Url: "https://a.example/x", X-Deep: a.b, X-Absent: [kubernetes, io] } }',
      ),
      async (stand) => {
        await stand.admits(
          token({ ...nested, 'https://a.example/x': 'literal', a: { b: 'deep' }, kubernetes: { io: null } }),
        );
        const head = stand.seen.at(-1) ?? '';
        assert.match(head, /^X-Ns: prod\r$/m);
        assert.match(head, /^X-Pod: \{"name":"web-0","uid":"u"\}\r$/m);
        assert.match(head, /^X-Url: literal\r$/m);
        assert.match(head, /^X-Deep: deep\r$/m);
        assert.doesNotMatch(head, /X-Absent/i);
        // A client's header with such a name is still removed.
        await stand.admits(
          token({ 'kubernetes.io.namespace': 'forged', kubernetes: { io: { namespace: 'forged' } } }),
        );
        assert.doesNotMatch(stand.seen.at(-1) ?? '', /^X-Ns/im);
      },
    ));

  test('is a rule of a route', () =>
    withFile(
      file(
        'require: { claims: [ { claim: [kubernetes.io, namespace], equals: [prod, stage] }, { claim: [kubernetes.io, pod, uid], exists: true }, { claim: groups, contains: a }, { claim: groups, contains: b }, { claim: [x.y], exists: false } ] }',
      ),
      async (stand) => {
        const good = { ...nested, groups: ['a', 'b'], x: { y: 1 } };
        await stand.admits(token(good));
        for (const [what, wrong, reason] of [
          [
            'another value',
            { 'kubernetes.io': { ...nested['kubernetes.io'], namespace: 'dev' } },
            'claim_mismatch',
          ],
          ['a text where an object belongs', { 'kubernetes.io': 'prod' }, 'claim_missing'],
          [
            'the names apart',
            { 'kubernetes.io': undefined, kubernetes: { io: nested['kubernetes.io'] } },
            'claim_missing',
          ],
          [
            'the names as one',
            { 'kubernetes.io': undefined, 'kubernetes.io.namespace': 'prod' },
            'claim_missing',
          ],
          [
            'a null',
            { 'kubernetes.io': { ...nested['kubernetes.io'], pod: { uid: null } } },
            'claim_missing',
          ],
          ['an array on the way', { 'kubernetes.io': [nested['kubernetes.io']] }, 'claim_missing'],
          ['one of two values', { groups: ['a'] }, 'claim_mismatch'],
          ['what must be absent', { 'x.y': 1 }, 'claim_mismatch'],
        ] as const) {
          await stand.refuses(token({ ...good, ...wrong }), `401 ${reason}`, what);
        }
      },
    ));

  test('names the claim of roles, and a claim that must be present', () =>
    withFile(
      file(
        'require: { roles: [admin] }',
        ', rolesClaim: [app.example, roles], require: [sub, [kubernetes.io, namespace], a.b]',
      ),
      async (stand) => {
        const good = { ...nested, 'app.example': { roles: ['admin'] }, 'a.b': 1 };
        await stand.admits(token(good));
        await stand.refuses(
          token({ ...good, 'app.example': undefined, app: { example: { roles: ['admin'] } } }),
          '403 role_missing',
        );
        await stand.refuses(token({ ...good, 'kubernetes.io': { namespace: null } }), '401 claim_missing');
        await stand.refuses(token({ ...good, 'kubernetes.io': 'x' }), '401 claim_missing', 'no object');
        // Dots of a required name are letters, as before.
        await stand.refuses(token({ ...good, 'a.b': undefined, a: { b: 1 } }), '401 claim_missing', 'dots');
      },
    ));

  test('does not reach inherited members', () =>
    withFile(file('require: { claims: [ { claim: [constructor, name], exists: true } ] }'), async (stand) => {
      await stand.refuses(token({}), '401 claim_missing');
      await stand.admits(token({ constructor: { name: 'own' } }));
    }));
});

describe('a wrong list is a fault', () => {
  const names = Array.from({ length: 17 }, (_, index) => `n${index}`).join(', ');
  for (const [route, expected] of [
    [
      'forward: { headers: { X-A: [] } }',
      'forward.headers.X-A: is an empty list; must be the name of a claim',
    ],
    [
      'forward: { headers: { X-A: [a, ""] } }',
      'forward.headers.X-A[1]: is empty; must be the name of a claim',
    ],
    [
      'forward: { headers: { X-A: [a, 5] } }',
      'forward.headers.X-A[1]: is a number; must be the name of a claim',
    ],
    [
      `forward: { headers: { X-A: [${names}] } }`,
      'forward.headers.X-A: has too many entries; must be at most 16',
    ],
    ['forward: { headers: { X-A: a..b } }', 'forward.headers.X-A: has an empty part in the path of a claim'],
    ['forward: { headers: { X-A: { claim: [] } } }', 'forward.headers.X-A.claim: is an empty list; must be'],
    ['require: { claims: [] }', 'require.claims: is an empty list; must be a mapping from claims'],
    [
      'require: { claims: [ { equals: a } ] }',
      'require.claims[0].claim: is missing; must be the name of a claim',
    ],
    [
      'require: { claims: [ { claim: a } ] }',
      'require.claims[0]: must have exactly one of equals, contains, exists',
    ],
    [
      'require: { claims: [ { claim: a, equals: b, exists: true } ] }',
      'require.claims[0]: must have exactly one of',
    ],
    ['require: { claims: [ { claim: a, is: b } ] }', 'require.claims[0].is: is not a known key; must be'],
    [
      'require: { claims: [ { claim: a, equals: [b, b] } ] }',
      'require.claims[0].equals[1]: stands in the list twice',
    ],
    [
      'require: { claims: [ { claim: a..b, exists: true } ] }',
      'require.claims[0].claim: has an empty part in the path',
    ],
  ] as const) {
    test(route.slice(0, 60), () => {
      const [fault = '', ...more] = faultsOf(file(route)).map((one) =>
        one.replace(/^f:\d+:\d+: routes\[0\]\./, ''),
      );
      assert.ok(fault.startsWith(expected), fault);
      assert.deepEqual(more, []);
    });
  }

  test('of the issuer', () => {
    const of = (issuer: string): string =>
      faultsOf(file('', `, ${issuer}`))
        .join()
        .replace(/^f:\d+:\d+: issuers\.app\./, '');
    assert.match(
      of('require: [[a, b], [a, b]]'),
      /^require\[1\]: stands in the list twice; must stand once$/,
    );
    assert.match(of('require: [[a, []]]'), /^require\[0\]\[1\]: /);
    assert.match(of('rolesClaim: []'), /^rolesClaim: is an empty list; must be the name of a claim/);
    assert.equal(of('require: [sub, [sub, x], "sub.x"]'), '');
  });
});
