import { cut, fold } from '../lib/target.ts';
import { HostTable } from './host-table.ts';

/** What a route answers to; `path` is a prefix on segment borders. */
export interface RouteMatch {
  /** A name, an IP address, or `*.` and a name for all hosts below it; undefined for any host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly methods: readonly string[] | undefined;
}

/** Routes that share host and path; the first whose methods fit is taken, those without methods come last. */
type Candidates<R> = readonly { readonly methods: ReadonlySet<string> | undefined; readonly route: R }[];

interface PathTable<R> {
  readonly byPath: ReadonlyMap<string, Candidates<R>>;
  /** The same by folded path, where several paths may have become one. */
  readonly byFold: ReadonlyMap<string, readonly Candidates<R>[]>;
  /** Most segments in any prefix: longer request paths are cut to this depth before the look-up begins. */
  readonly depth: number;
}

/**
 * Finds the most specific route: a host of its own, then wildcards from the longest on, then any host; in each the
 * longest path, then one that names the method. What a host's routes do not take goes on to the next. Path and method
 * are matched as sent, and refused as ambiguous where a server that reads them in another way could see what belongs
 * to another route. The cost follows the number of segments in the configured paths and of labels in the wildcards,
 * not the number of routes.
 */
export class RouteTable<R extends { readonly match: RouteMatch }> {
  /** Most segments in any prefix; above 0 some route takes only a part of all paths, so spellings matter. */
  private readonly depth: number;
  private readonly methodsMatter: boolean;
  /** Some prefix has several spellings, so that even a path with a single one may be taken for it. */
  private readonly prefixesFold: boolean;
  private readonly hosts: HostTable<PathTable<R>>;

  constructor(routes: readonly R[]) {
    const prefixes = routes.map((route) => prefixOf(route.match.path));
    this.depth = Math.max(0, ...prefixes.map(segmentsOf));
    this.methodsMatter = routes.some((route) => route.match.methods !== undefined);
    this.prefixesFold = prefixes.some(
      (prefix) => prefix !== '' && fold(prefix, Number.POSITIVE_INFINITY) !== prefix,
    );
    const hosts = new Map<string | undefined, R[]>();
    for (const route of routes) {
      const host = route.match.host?.toLowerCase();
      hosts.set(host, [...(hosts.get(host) ?? []), route]);
    }
    this.hosts = new HostTable([...hosts].map(([host, members]) => [host, pathTable(members)]));
  }

  /**
   * Undefined when no route takes the request.
   * @param host the Host header as sent; its port does not count.
   * @param path as sent, without query.
   */
  find(host: string, path: string, method: string): R | 'ambiguous' | undefined {
    const folded = this.depth > 0 ? fold(path, this.depth) : path;
    if (folded === undefined) return 'ambiguous';
    // A URL parser takes what follows for the host (RFC 3986 §4.2), whatever Host says.
    if (this.hosts.named && /^\/[/\\]/.test(path)) return 'ambiguous';
    const tables = this.hosts.find(host);
    if (tables === undefined) return 'ambiguous';
    let route: R | undefined;
    for (let at = 0; at < tables.length && route === undefined; at += 1) {
      route = lookUp(tables[at] as PathTable<R>, path, method);
    }
    if (route === undefined) return undefined;
    // Some frameworks read `post` as POST, though methods have case (RFC 9110 §9.1).
    const capitals = this.methodsMatter ? method.toUpperCase() : method;
    if (folded === path && capitals === method && !this.prefixesFold) return route;
    for (const table of tables) {
      const same = isOnly(route, table, folded, capitals);
      if (same !== undefined) return same ? route : 'ambiguous';
    }
    return 'ambiguous';
  }
}

function pathTable<R extends { readonly match: RouteMatch }>(routes: readonly R[]): PathTable<R> {
  const byPath = new Map<string, { methods: Set<string> | undefined; route: R }[]>();
  let depth = 0;
  for (const route of routes) {
    const path = prefixOf(route.match.path);
    const methods = route.match.methods && new Set(route.match.methods);
    byPath.set(path, [...(byPath.get(path) ?? []), { methods, route }]);
    depth = Math.max(depth, segmentsOf(path));
  }
  const byFold = new Map<string, Candidates<R>[]>();
  for (const [path, candidates] of byPath) {
    // Frameworks answer HEAD as GET: who guards only GET must not leave HEAD to a route for all methods.
    const head = candidates.some(({ methods }) => methods?.has('HEAD'));
    if (!head) for (const { methods } of candidates) if (methods?.has('GET')) methods.add('HEAD');
    candidates.sort((a, b) => Number(a.methods === undefined) - Number(b.methods === undefined));
    // A prefix that is ambiguous itself is never found as sent either.
    const folded = path === '' ? path : (fold(path, Number.POSITIVE_INFINITY) ?? path);
    byFold.set(folded, [...(byFold.get(folded) ?? []), candidates]);
  }
  return { byPath, byFold, depth };
}

/** `/` is the empty prefix, and a slash at the end changes nothing. */
function prefixOf(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function segmentsOf(prefix: string): number {
  return prefix.split('/').length - 1;
}

function lookUp<R>(table: PathTable<R>, path: string, method: string): R | undefined {
  let prefix = prefixOf(cut(path, table.depth));
  for (;;) {
    const route = firstFit(table.byPath.get(prefix), method);
    if (route !== undefined || prefix === '') return route;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

/**
 * Whether every server that reads at most as much into a path as folding does ends at `route`: the longest folded
 * prefix is its own and nobody else's. Undefined when no route of the table takes the folded path.
 */
function isOnly<R>(route: R, table: PathTable<R>, folded: string, method: string): boolean | undefined {
  let prefix = prefixOf(cut(folded, table.depth));
  for (;;) {
    let found: R | undefined;
    for (const candidates of table.byFold.get(prefix) ?? []) {
      const fit = firstFit(candidates, method);
      if (fit !== undefined && fit !== route) return false;
      found ??= fit;
    }
    if (found !== undefined) return true;
    if (prefix === '') return undefined;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

function firstFit<R>(candidates: Candidates<R> | undefined, method: string): R | undefined {
  if (candidates === undefined) return undefined;
  for (const { methods, route } of candidates) {
    if (methods === undefined || methods.has(method)) return route;
  }
  return undefined;
}
