import { cut, fold } from '../http/path.ts';

/** What a route answers to; `path` is a prefix on segment borders. */
export interface RouteMatch {
  /** A name, an IP address, or `*.` and a name for all hosts below it; undefined for any host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly methods: readonly string[] | undefined;
}

/** What the choice of a route depends on. */
export interface Routed {
  readonly match: RouteMatch;
  /** Equal for routes that differ in nothing but what they match; without it a route is like no other. */
  readonly guard?: string;
  /** `plain`: its upstream reads paths as they are sent. */
  readonly paths?: 'strict' | 'plain' | undefined;
}

/** Routes that share host and path; the first whose methods fit is taken, those without methods come last. */
type Candidates<R> = readonly { readonly methods: ReadonlySet<string> | undefined; readonly route: R }[];

/** One configured path of a host. */
interface Entry<R> {
  /** Without a slash at the end, so that `/` is empty; as other servers may compare it. */
  readonly folded: string;
  /** Of `folded`. */
  readonly segments: readonly string[];
  readonly candidates: Candidates<R>;
}

/** The routes of one host. */
export interface PathTable<R> {
  readonly byPath: ReadonlyMap<string, Candidates<R>>;
  /** The same by folded path, where several paths may have become one. */
  readonly byFold: ReadonlyMap<string, readonly Candidates<R>[]>;
  readonly entries: readonly Entry<R>[];
  /** Most segments in any prefix: longer request paths are cut to this depth before the look-up begins. */
  readonly depth: number;
}

export function pathTable<R extends Routed>(routes: readonly R[]): PathTable<R> {
  const byPath = new Map<string, { methods: Set<string> | undefined; route: R }[]>();
  let depth = 0;
  for (const route of routes) {
    const path = prefixOf(route.match.path);
    const methods = route.match.methods && new Set(route.match.methods);
    const candidates = byPath.get(path) ?? [];
    candidates.push({ methods, route });
    byPath.set(path, candidates);
    depth = Math.max(depth, segmentsOf(path));
  }
  const byFold = new Map<string, Candidates<R>[]>();
  const entries: Entry<R>[] = [];
  for (const [path, candidates] of byPath) {
    // Frameworks answer HEAD as GET: a route that guards GET alone must not leave HEAD to one for all methods.
    const head = candidates.some(({ methods }) => methods?.has('HEAD'));
    if (!head) for (const { methods } of candidates) if (methods?.has('GET')) methods.add('HEAD');
    candidates.sort((a, b) => Number(a.methods === undefined) - Number(b.methods === undefined));
    // A prefix that is ambiguous itself is never found as sent either.
    const folded = foldPrefix(path) ?? path;
    byFold.set(folded, [...(byFold.get(folded) ?? []), candidates]);
    entries.push({ folded, segments: folded.split('/').slice(1), candidates });
  }
  return { byPath, byFold, entries, depth };
}

/** `/` is the empty prefix, and a slash at the end changes nothing. */
export function prefixOf(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** As other servers may compare it; undefined when they would not agree on its segments. */
export function foldPrefix(prefix: string): string | undefined {
  return prefix === '' ? prefix : fold(prefix, Number.POSITIVE_INFINITY);
}

export function segmentsOf(prefix: string): number {
  return prefix.split('/').length - 1;
}

/** The route with the longest prefix of a path as sent. */
export function lookUp<R>(table: PathTable<R>, path: string, method: string): R | undefined {
  let prefix = prefixOf(cut(path, table.depth));
  for (;;) {
    const route = firstFit(table.byPath.get(prefix), method);
    if (route !== undefined || prefix === '') return route;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

export function firstFit<R>(candidates: Candidates<R> | undefined, method: string): R | undefined {
  if (candidates === undefined) return undefined;
  for (const { methods, route } of candidates) {
    if (methods === undefined || methods.has(method)) return route;
  }
  return undefined;
}
