import { fold } from '../http/path.ts';
import { foldedText, kindOf, segmentsOf, textOf } from '../http/path-match.ts';
import { type PathRule, pathRule } from '../http/path-rule.ts';
import { HostTable } from './host-table.ts';
import { isAlike, isOnly, leadsOnlyTo, mayLoseStart } from './other-readings.ts';
import { lookUp, type PathTable, pathTable } from './path-table.ts';
import type { Routed } from './route-match.ts';

/**
 * Finds the most specific route: first by host (exact, then wildcards from the longest on, then any), then by path (an
 * exact one, then the longest), then by method. A request that the routes of one host do not take goes on to the next host. The table
 * matches path and method as sent. It refuses them as ambiguous where a server that reads them in another way could
 * reach a different route that is not alike. The cost depends on the segments of the configured paths and on the labels
 * of the wildcards, not on the number of routes.
 */
export class RouteTable<R extends Routed> {
  /** Most segments in any prefix. Above 0 some route takes only a part of all paths, so spellings matter. */
  readonly #depth: number;
  readonly #methodsMatter: boolean;
  /** Some match has several spellings, so a server may take even a path with a single spelling for it. */
  readonly #matchesFold: boolean;
  readonly #hosts: HostTable<PathTable<R>>;

  constructor(routes: readonly R[]) {
    this.#depth = Math.max(0, ...routes.map(({ match }) => segmentsOf(match)));
    this.#methodsMatter = routes.some((route) => route.match.methods !== undefined);
    this.#matchesFold = routes.some(
      ({ match }) => foldedText(match) !== textOf(match) || endsWithPath(match),
    );
    const hosts = new Map<string | undefined, R[]>();
    for (const route of routes) {
      const host = route.match.host?.toLowerCase();
      hosts.set(host, [...(hosts.get(host) ?? []), route]);
    }
    this.#hosts = new HostTable([...hosts].map(([host, members]) => [host, pathTable(members)]));
  }

  /**
   * The route of a request; undefined when no route takes it.
   * @param host the Host field as sent; its port does not count.
   * @param path as sent, without query.
   */
  find(host: string, path: string, method: string): R | 'ambiguous' | undefined {
    const folded = this.#depth > 0 ? fold(path, this.#depth) : path;
    // A URL parser reads a host after two slashes (RFC 3986 §4.2), even if Host has another.
    if (this.#hosts.named && /^\/[/\\]/.test(path)) return 'ambiguous';
    const tables = this.#hosts.find(host);
    if (tables === undefined) return 'ambiguous';
    const route = take(tables, path, method);
    // Some frameworks read `post` as POST, although methods are case-sensitive (RFC 9110 §9.1).
    const capitals = this.#methodsMatter ? method.toUpperCase() : method;
    if (folded === path && capitals === method && !this.#matchesFold) return route;
    return isSure(route, tables, { path, folded, method, capitals }) ? route : 'ambiguous';
  }

  /** The name of the rule that makes a request ambiguous. Call it only for a request that `find` called ambiguous. */
  ruleOf({ host, path, method }: Target): PathRule | 'method_case' | 'host_form' | 'trailing_slash' {
    if (this.#hosts.find(host) === undefined) return 'host_form';
    if (this.find(host, path, method.toUpperCase()) !== 'ambiguous') return 'method_case';
    const rule = pathRule(path);
    if (rule !== 'spelling') return rule;
    const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
    return this.find(host, other, method) === 'ambiguous' ? rule : 'trailing_slash';
  }
}

/** Whether a slash at the end of a path decides on the match, although servers may drop or add it. */
function endsWithPath(match: Routed['match']): boolean {
  return kindOf(match) === 'exact' || (kindOf(match) === 'prefix' && match.path.endsWith('/'));
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
  /** Undefined when the path cannot be folded. */
  readonly folded: string | undefined;
  readonly method: string;
  readonly capitals: string;
}

/** Whether every server ends at the route that takes the request as sent, or at one like it. */
function isSure<R extends Routed>(
  route: R | undefined,
  tables: readonly PathTable<R>[],
  { path, folded, method, capitals }: Asked,
): boolean {
  if (route?.paths === 'plain') {
    const other = capitals === method ? route : take(tables, path, capitals);
    return other !== undefined && isAlike(other, route);
  }
  if (folded === undefined || (route !== undefined && mayLoseStart(route.match, path))) {
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
