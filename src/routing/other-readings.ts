import { cut } from '../http/path.ts';
import { mayBegin, readingsOf } from '../http/path-readings.ts';
import { firstFit, foldPrefix, type PathTable, prefixOf, type Routed } from './path-table.ts';

/** Whether two routes treat a request in the same way. */
export function isAlike(a: Routed, b: Routed): boolean {
  return a === b || (a.guard !== undefined && a.guard === b.guard);
}

/**
 * Whether every server that reads a path as folding does, or more strictly, ends at `route` or one like it: no longer
 * prefix of the folded path has another. Undefined when no route of the table takes the folded path, or only others
 * that are like `route`.
 */
export function isOnly<R extends Routed>(
  route: R,
  table: PathTable<R>,
  folded: string,
  method: string,
): boolean | undefined {
  let prefix = prefixOf(cut(folded, table.depth));
  for (;;) {
    let found = false;
    for (const candidates of table.byFold.get(prefix) ?? []) {
      const fit = firstFit(candidates, method);
      if (fit === undefined) continue;
      if (!isAlike(fit, route)) return false;
      found ||= fit === route;
    }
    if (found) return true;
    if (prefix === '') return undefined;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

/**
 * Whether every reading of a path that cannot be folded leads to `route` or to one like it.
 * @param route the route for the path as sent; undefined when there is none.
 * @param tables of the host, the most specific first.
 */
export function leadsOnlyTo<R extends Routed>(
  route: R | undefined,
  tables: readonly PathTable<R>[],
  path: string,
  method: string,
): boolean {
  const own = route === undefined ? '' : prefixOf(route.match.path);
  const above = foldPrefix(own);
  // The prefix as sent keeps its meaning, unless the rest climbs out of it.
  const readings = above === undefined ? undefined : readingsOf(path.slice(own.length));
  const depth = own.split('/').length - 1;
  for (const table of tables) {
    let isLast = false;
    for (const { folded, segments, candidates } of table.entries) {
      const fit = firstFit(candidates, method);
      if (fit === undefined) continue;
      // A table that takes every path, or every path with this prefix, hides the later tables.
      isLast ||= folded === '' || (readings !== undefined && fit === route);
      if (route !== undefined && isAlike(fit, route)) continue;
      if (readings === undefined) return false;
      // Another spelling of the prefix itself counts too: a server that takes one for the other finds its route there.
      const isInside = folded === above || folded.startsWith(`${above}/`);
      if (isInside && mayBegin(readings, segments.slice(depth))) return false;
    }
    if (isLast) return true;
  }
  // No table takes all paths, so a reading that climbs to a parent may end at a path that no route should serve.
  return route === undefined || readings !== undefined;
}
