import { RouteTable } from '../../src/routing/route-table.ts';
import { compare } from './timing.ts';

// Finding the route of a request; baseline: a Map with the path.

const CALLS = 500_000;

const routesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    match: { host: undefined, path: at === 0 ? '/' : `/service-${at}/v1`, methods: undefined },
  }));

const tables = [1, 10, 1_000, 10_000].map((count) => {
  const table = new RouteTable(routesOf(count));
  const path = `/service-${count - 1}/v1/orders/17`;
  return [count, table, path] as const;
});
/** The same routes by letters, and each page of its own. */
const byLetters = new RouteTable(
  routesOf(1_000).flatMap(({ match }) => [
    { match: { ...match, kind: 'prefix' as const } },
    { match: { ...match, path: `${match.path}/page`, kind: 'exact' as const } },
  ]),
);
const paths = new Map(tables.map(([count, , path]) => [path, count]));
const [, , somePath] = tables[2] as (typeof tables)[number];

compare('a route', CALLS, {
  'a Map with the path': () => paths.get(somePath) as number,
  ...Object.fromEntries(
    tables.map(([count, table, path]) => [
      `the table with ${count} routes`,
      () => (typeof table.find('api.example.com', path, 'GET') === 'object' ? 1 : Number.NaN),
    ]),
  ),
  'the table with 1000 prefixes and 1000 exact paths': () =>
    typeof byLetters.find('api.example.com', somePath, 'GET') === 'object' ? 1 : Number.NaN,
});
