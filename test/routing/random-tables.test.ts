import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RouteMatch } from '../../src/routing/route-match.ts';
import { RouteTable } from '../../src/routing/route-table.ts';
import { readingsOf } from '../exchange/path-readings.ts';
import { PlainTable } from './plain-model.ts';

interface Guarded {
  readonly match: RouteMatch;
  readonly guard: string;
}

const HOST = 'a.example';
const words = ['admin', 'adm', 'a', 'b', 'ba', 'v1.0', 'a-b'];

const text = fc
  .tuple(fc.array(fc.constantFrom(...words), { maxLength: 3 }), fc.boolean())
  .map(([segments, hasSlash]) => `/${segments.join('/')}${hasSlash && segments.length > 0 ? '/' : ''}`);
const match = fc.record({
  host: fc.constantFrom(undefined, undefined, HOST),
  path: text,
  kind: fc.constantFrom('prefix' as const, 'exact' as const, undefined),
  methods: fc.constantFrom(undefined, undefined, ['GET'], ['POST']),
});
/** As the configuration has them: no slash at the end where whole segments count, and no two that are the same. */
const routes = fc
  .uniqueArray(fc.record({ match, guard: fc.constantFrom('open', 'closed') }), {
    maxLength: 8,
    selector: ({ match: { host, path, kind, methods } }) => [host, path, kind, methods].join(' '),
  })
  .map((list): readonly Guarded[] => [
    { match: { host: undefined, path: '/', methods: undefined }, guard: 'open' },
    ...list.filter(({ match: { path, kind } }) => (kind === undefined ? !path.endsWith('/') : path !== '/')),
  ]);

const plainPath = fc
  .array(fc.constantFrom(...words, 'admin2', 'c', 'bab', '-'), { maxLength: 4 })
  .chain((segments) => fc.constantFrom('', '/').map((end) => `/${segments.join('/')}${end}`))
  .filter((path) => !path.includes('//'));
const slash = fc.constantFrom(
  '/',
  '/',
  '/',
  '//',
  '%2f',
  '\\',
  '/./',
  '/x/../',
  '/;x/',
  ';x=1/',
  '/%2e/',
  '%00/',
  '%3F/',
);
const piece = fc.oneof(
  fc.constantFrom(...words, 'c', '', '2'),
  fc.constantFrom(
    'ADMIN',
    '%61dmin',
    'adm%69n',
    '%2561',
    '%c3%a1',
    'a%cc%81dmin',
    'b%cc%87',
    '%ef%bd%81',
    '%20a',
  ),
  fc.constantFrom(
    '..',
    '%2e%2e',
    '..;',
    '.',
    ';y',
    '%3b',
    '%3Fz',
    '%23',
    '%20',
    ':$data',
    'admin~1',
    '%e2%80%8d',
  ),
);
const oddPath = fc
  .array(fc.tuple(slash, piece, piece), { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.flat().join(''))
  .filter((path) => path.startsWith('/'));

const asked = fc.record({ host: fc.constantFrom(HOST, 'other'), method: fc.constantFrom('GET', 'POST') });

test('a table finds what a comparison with each route finds', () => {
  fc.assert(
    fc.property(routes, plainPath, asked, (list, path, { host, method }) => {
      const plain = new PlainTable(list);
      const route = plain.find(host, path, method);
      const page = plain.findPage(host, path, method);
      const expected = page?.guard === route?.guard ? route : 'ambiguous';
      assert.equal(new RouteTable(list).find(host, path, method), expected);
    }),
    { numRuns: 5_000 },
  );
});

test('no known reading of a path that a table lets through leads to another guard', () => {
  const seen = { ambiguous: 0, other: 0 };
  fc.assert(
    fc.property(routes, oddPath, asked, (list, path, { host, method }) => {
      const plain = new PlainTable(list);
      const found = new RouteTable(list).find(host, path, method);
      seen[found === 'ambiguous' ? 'ambiguous' : 'other'] += 1;
      if (found === 'ambiguous') return;
      assert.equal(found, plain.find(host, path, method));
      for (const reading of readingsOf(path)) {
        if (reading.startsWith('/')) {
          assert.equal(plain.findPage(host, reading, method)?.guard, found?.guard, reading);
        }
      }
    }),
    { numRuns: 1_500 },
  );
  assert.ok(seen.ambiguous > 100 && seen.other > 100, JSON.stringify(seen));
});
