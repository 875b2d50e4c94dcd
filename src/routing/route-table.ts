/** What a route answers to; `path` is a prefix on segment borders. */
export interface RouteMatch {
  readonly host: string | undefined;
  readonly path: string;
  readonly methods: readonly string[] | undefined;
}

/** Routes that share host and path; the first whose methods fit is taken, those without methods come last. */
type Candidates<R> = readonly { readonly methods: ReadonlySet<string> | undefined; readonly route: R }[];

interface PathTable<R> {
  readonly byPath: ReadonlyMap<string, Candidates<R>>;
  /** Most segments in any prefix: longer request paths are cut to this depth before the look-up begins. */
  readonly depth: number;
}

/**
 * Finds the most specific route: a host of its own before any host, then the longest path, then one that names the
 * method. The cost follows the number of segments in the configured paths, not the number of routes.
 */
export class RouteTable<R extends { readonly match: RouteMatch }> {
  /** Some route takes only a part of all paths: then it matters that everybody reads a path in the same way. */
  readonly distinguishes: boolean;
  private readonly anyHost: PathTable<R>;
  private readonly byHost: ReadonlyMap<string, PathTable<R>>;

  constructor(routes: readonly R[]) {
    this.distinguishes = routes.some((route) => prefixOf(route.match.path) !== '');
    const hosts = new Map<string | undefined, R[]>();
    for (const route of routes) {
      const host = route.match.host?.toLowerCase();
      hosts.set(host, [...(hosts.get(host) ?? []), route]);
    }
    this.anyHost = pathTable(hosts.get(undefined) ?? []);
    const named = [...hosts].filter((entry): entry is [string, R[]] => entry[0] !== undefined);
    this.byHost = new Map(named.map(([host, members]) => [host, pathTable(members)]));
  }

  /** @param host the Host header as sent; its port does not count. */
  find(host: string, path: string, method: string): R | undefined {
    if (this.byHost.size > 0) {
      const table = this.byHost.get(hostName(host));
      const route = table && lookUp(table, path, method);
      if (route !== undefined) return route;
    }
    return lookUp(this.anyHost, path, method);
  }
}

function hostName(host: string): string {
  const colon = host.indexOf(':', host.lastIndexOf(']') + 1);
  const name = (colon >= 0 ? host.slice(0, colon) : host).toLowerCase();
  // A trailing dot names the same host (RFC 3986 §3.2.2).
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function pathTable<R extends { readonly match: RouteMatch }>(routes: readonly R[]): PathTable<R> {
  const byPath = new Map<string, { methods: ReadonlySet<string> | undefined; route: R }[]>();
  let depth = 0;
  for (const route of routes) {
    const path = prefixOf(route.match.path);
    const methods = route.match.methods && new Set(route.match.methods);
    byPath.set(path, [...(byPath.get(path) ?? []), { methods, route }]);
    depth = Math.max(depth, path.split('/').length - 1);
  }
  for (const candidates of byPath.values()) {
    candidates.sort((a, b) => Number(a.methods === undefined) - Number(b.methods === undefined));
  }
  return { byPath, depth };
}

/** `/` is the empty prefix, and a slash at the end changes nothing. */
function prefixOf(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function lookUp<R>(table: PathTable<R>, path: string, method: string): R | undefined {
  let prefix = table.depth === 0 ? '' : cut(path, table.depth);
  for (;;) {
    for (const { methods, route } of table.byPath.get(prefix) ?? []) {
      if (methods === undefined || methods.has(method)) return route;
    }
    if (prefix === '') return undefined;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
}

/** The first `depth` segments of a path. */
function cut(path: string, depth: number): string {
  let end = 0;
  for (let segment = 0; segment < depth; segment += 1) {
    end = path.indexOf('/', end + 1);
    if (end < 0) return prefixOf(path);
  }
  return path.slice(0, end);
}
