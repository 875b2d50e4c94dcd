import { cut, fold } from '../http/path.ts';

/** The requests that a route takes; `path` is a prefix on segment borders. */
export interface RouteMatch {
  /** A name, an IP address, or `*.` and a name for all hosts below that name; undefined for any host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly methods: readonly string[] | undefined;
}

/** The properties of a route that its choice depends on. */
export interface Routed {
  readonly match: RouteMatch;
  /** Equal for routes that differ only in the requests they match; a route without it is like no other. */
  readonly guard?: string;
  /** `plain`: its upstream reads paths as they are sent. */
  readonly paths?: 'strict' | 'plain' | undefined;
}

/** Routes that share host and path. The first whose methods fit is taken; routes without methods come last. */
type Candidates<R> = readonly { readonly methods: ReadonlySet<string> | undefined; readonly route: R }[];

/** One configured path of a host. */
interface Entry<R> {
  /** The folded path without a slash at the end, so `/` is empty. */
  readonly folded: string;
  /** Of `folded`. */
  readonly segments: readonly string[];
  readonly candidates: Candidates<R>;
}

/** The routes of one host. */
export interface PathTable<R> {
  readonly byPath: ReadonlyMap<string, Candidates<R>>;
  /** The same by folded path; several paths may fold to one. */
  readonly byFold: ReadonlyMap<string, readonly Candidates<R>[]>;
  readonly entries: readonly Entry<R>[];
  /** Most segments in any prefix; the search cuts longer request paths to this depth. */
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
    // Frameworks treat HEAD as GET, so a route for only GET must not leave HEAD to a route for all methods.
    const head = candidates.some(({ methods }) => methods?.has('HEAD'));
    if (!head) for (const { methods } of candidates) if (methods?.has('GET')) methods.add('HEAD');
    candidates.sort((a, b) => Number(a.methods === undefined) - Number(b.methods === undefined));
    // A request for an ambiguous prefix is refused, so its folded form does not matter.
    const folded = foldPrefix(path) ?? path;
    byFold.set(folded, [...(byFold.get(folded) ?? []), candidates]);
    entries.push({ folded, segments: folded.split('/').slice(1), candidates });
  }
  return { byPath, byFold, entries, depth };
}

/** A path as a prefix: without a slash at the end, so `/` is empty. */
export function prefixOf(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The folded prefix; undefined when servers would not agree on its segments. */
export function foldPrefix(prefix: string): string | undefined {
  return prefix === '' ? prefix : fold(prefix, Number.POSITIVE_INFINITY);
}

export function segmentsOf(prefix: string): number {
  return prefix.split('/').length - 1;
}

/** The route with the longest prefix of a path, both as sent. */
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
