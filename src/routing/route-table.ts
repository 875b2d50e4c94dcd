import { fold } from '../http/path.ts';
import { type PathRule, pathRule } from '../http/path-rule.ts';
import { HostTable } from './host-table.ts';
import { isAlike, isOnly, leadsOnlyTo } from './other-readings.ts';
import {
  foldPrefix,
  lookUp,
  type PathTable,
  pathTable,
  prefixOf,
  type Routed,
  segmentsOf,
} from './path-table.ts';

/**
 * Finds the most specific route: a host of its own, then wildcards from the longest on, then any host; in each the
 * longest path, then one that names the method. What a host's routes do not take goes on to the next. Path and method
 * are matched as sent, and refused as ambiguous where a server that reads them in another way could see what belongs
 * to another route that is not alike. The cost follows the number of segments in the configured paths and of labels in the wildcards,
 * not the number of routes.
 */
export class RouteTable<R extends Routed> {
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
    this.prefixesFold = prefixes.some((prefix) => foldPrefix(prefix) !== prefix);
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
    // A URL parser takes what follows for the host (RFC 3986 §4.2), even beside a Host that differs.
    if (this.hosts.named && /^\/[/\\]/.test(path)) return 'ambiguous';
    const tables = this.hosts.find(host);
    if (tables === undefined) return 'ambiguous';
    const route = take(tables, path, method);
    // Some frameworks read `post` as POST, though methods have case (RFC 9110 §9.1).
    const capitals = this.methodsMatter ? method.toUpperCase() : method;
    if (folded === path && capitals === method && !this.prefixesFold) return route;
    return isSure(route, tables, { path, folded, method, capitals }) ? route : 'ambiguous';
  }

  /** Why a request is ambiguous: the name of the rule. Only for one that `find` has refused so. */
  ruleOf({ host, path, method }: Target): PathRule | 'method_case' | 'host_form' {
    if (this.hosts.find(host) === undefined) return 'host_form';
    if (this.find(host, path, method.toUpperCase()) !== 'ambiguous') return 'method_case';
    return pathRule(path);
  }
}

function take<R extends Routed>(
  tables: readonly PathTable<R>[],
  path: string,
  method: string,
): R | undefined {
  let route: R | undefined;
  for (let at = 0; at < tables.length && route === undefined; at += 1) {
    route = lookUp(tables[at] as PathTable<R>, path, method);
  }
  return route;
}

interface Target {
  readonly host: string;
  readonly path: string;
  readonly method: string;
}

interface Asked {
  readonly path: string;
  /** Undefined when it cannot be. */
  readonly folded: string | undefined;
  readonly method: string;
  readonly capitals: string;
}

/** Whether no server ends at a route that is not like the one which takes the request as sent. */
function isSure<R extends Routed>(
  route: R | undefined,
  tables: readonly PathTable<R>[],
  { path, folded, method, capitals }: Asked,
): boolean {
  if (route?.paths === 'plain') {
    const other = capitals === method ? route : take(tables, path, capitals);
    return other !== undefined && isAlike(other, route);
  }
  if (folded === undefined) {
    return (
      leadsOnlyTo(route, tables, path, method) &&
      (capitals === method || leadsOnlyTo(route, tables, path, capitals))
    );
  }
  if (route === undefined) return true;
  for (const table of tables) {
    const only = isOnly(route, table, folded, capitals);
    if (only !== undefined) return only;
  }
  return false;
}
