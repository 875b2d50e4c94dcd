import { cut } from '../http/path.ts';
import { mayBegin, readingsOf } from '../http/path-readings.ts';
import { firstFit, foldPrefix, type PathTable, prefixOf, type Routed } from './path-table.ts';

/** Whether it makes no difference which of two routes takes a request. */
export function isAlike(a: Routed, b: Routed): boolean {
  return a === b || (a.guard !== undefined && a.guard === b.guard);
}

/**
 * Whether every server that reads at most as much into a path as folding does ends at `route` or one like it: no
 * longer prefix of the folded path has another. Undefined when no route of the table takes the folded path, or only
 * others that are like it.
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
 * Whether a path that cannot be folded leads to `route`, or to one like it, by every reading of it.
 * @param route that takes the path as sent; undefined when none does.
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
  // The prefix as sent stays what it is, unless what follows climbs out of it.
  const readings = above === undefined ? undefined : readingsOf(path.slice(own.length));
  const depth = own.split('/').length - 1;
  for (const table of tables) {
    let isLast = false;
    for (const { folded, segments, candidates } of table.entries) {
      const fit = firstFit(candidates, method);
      if (fit === undefined) continue;
      // Behind a table that takes every path, and one that takes all that begins so, no other is asked.
      isLast ||= folded === '' || (readings !== undefined && fit === route);
      if (route !== undefined && isAlike(fit, route)) continue;
      if (readings === undefined) return false;
      // Also another spelling of the prefix itself: a server that takes one for the other finds its route there.
      const isInside = folded === above || folded.startsWith(`${above}/`);
      if (isInside && mayBegin(readings, segments.slice(depth))) return false;
    }
    if (isLast) return true;
  }
  // Where no route takes all paths, a reading that climbs may be one that none was meant to take.
  return route === undefined || readings !== undefined;
}
