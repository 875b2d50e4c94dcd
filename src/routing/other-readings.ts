import { wholeText } from '../http/path.ts';
import { foldedText, foldPrefix, kindOf, type MatchKind, textOf } from '../http/path-match.ts';
import { mayBegin, readingsOf } from '../http/path-readings.ts';
import { type Entry, firstFit } from './candidates.ts';
import { ofFolded, type PathTable } from './path-table.ts';
import type { Routed, RouteMatch } from './route-match.ts';

/** Whether two routes treat a request in the same way. */
export function isAlike(a: Routed, b: Routed): boolean {
  return a === b || (a.guard !== undefined && a.guard === b.guard);
}

/**
 * Whether every server that reads a path as folding does, or more strictly, ends at `route` or one like it: no more
 * specific match of the folded path has another. Undefined when no route of the table takes the folded path, or only
 * others that are like `route`.
 */
export function isOnly<R extends Routed>(
  route: R,
  table: PathTable<R>,
  folded: string,
  method: string,
): boolean | undefined {
  for (const equals of ofFolded(table, folded)) {
    let found = false;
    for (const candidates of equals) {
      const fit = firstFit(candidates, method);
      if (fit === undefined) continue;
      if (!isAlike(fit, route)) return false;
      found ||= fit === route;
    }
    if (found) return true;
  }
  return undefined;
}

/**
 * Whether every reading of a path that cannot be folded, or does not keep its start, leads to `route` or to one like it.
 * @param route the route for the path as sent; undefined when there is none.
 * @param tables of the host, the most specific first.
 */
export function leadsOnlyTo<R extends Routed>(
  route: R | undefined,
  tables: readonly PathTable<R>[],
  path: string,
  method: string,
): boolean {
  const own = route === undefined ? '' : keptFolder(route.match, path);
  const above = own === undefined ? undefined : foldPrefix(own);
  // The folder as sent keeps its meaning, unless the rest climbs out of it.
  const readings = own === undefined || above === undefined ? undefined : readingsOf(path.slice(own.length));
  const depth = own === undefined ? 0 : own.split('/').length - 1;
  for (const table of tables) {
    let isLast = false;
    for (const entry of table.entries) {
      const { kind, folded, segments, candidates } = entry;
      const fit = firstFit(candidates, method);
      if (fit === undefined) continue;
      // A table that takes every path, or every path of the route, hides the later tables.
      isLast ||= (kind === 'path' && folded === '') || (readings !== undefined && fit === route);
      if (route !== undefined && isAlike(fit, route)) continue;
      if (readings === undefined) return false;
      const reach = route === undefined ? kind : reachOver(entry, route.match);
      // Another spelling of the folder itself counts too: a server that takes one for the other finds its route there.
      const isInside = folded === above || folded.startsWith(`${above}/`);
      if (reach === undefined || !isInside) continue;
      if (mayBegin(readings, segments.slice(depth), reach)) return false;
    }
    if (isLast) return true;
  }
  // No table takes all paths, so a reading that climbs to a parent may end at a path that no route should serve.
  return route === undefined || readings !== undefined;
}

/** The paths that an entry takes from a route, if their folded spellings are equal; undefined when the route comes first. */
function reachOver({ kind, folded }: Entry<unknown>, match: RouteMatch): MatchKind | undefined {
  if (kind === 'exact') return kind;
  const own = foldedText(match) ?? textOf(match);
  const isPrefix = kindOf(match) === 'prefix';
  // A route for the folder with its slash and all behind leaves the folder itself to another.
  if (isPrefix && kind === 'path' && own === `${folded}/`) return 'exact';
  const isLonger = folded.length > own.length;
  const isBefore = folded.length === own.length && (kind === 'path' || isPrefix);
  return isLonger || isBefore ? kind : undefined;
}

/** Marks at which servers cut a segment, and those of short names. */
const CUTS = /[\s.;?#:~]/;

/**
 * The folder of a route as it was sent, which every server finds at the start of the path; undefined when one may read
 * the path so that the route does not take it.
 */
function keptFolder(match: RouteMatch, path: string): string | undefined {
  const text = textOf(match);
  const kind = kindOf(match);
  if (kind === 'path') return text;
  const slash = text.lastIndexOf('/');
  if (kind === 'exact' || CUTS.test(text.slice(slash)) || mayLoseStart(match, path)) return undefined;
  return text.slice(0, slash);
}

/** Characters that some servers drop before they normalise. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}+/gu;

/**
 * Whether a server that normalises text may join the last letter of a prefix with an accent behind it, and so see a
 * path that begins with another letter: `/e` and a combining acute accent is `/é`.
 */
export function mayLoseStart(match: RouteMatch, path: string): boolean {
  const { length } = match.path;
  if (kindOf(match) !== 'prefix' || path[length] !== '%') return false;
  const [rest = ''] = path.slice(length).split('/', 1);
  const [start, whole] = [match.path, match.path + rest].map((text) =>
    wholeText(text)?.replace(INVISIBLE, ''),
  );
  if (start === undefined || whole === undefined) return true;
  return ['NFC', 'NFKC'].some((form) => !whole.normalize(form).startsWith(start.normalize(form)));
}
