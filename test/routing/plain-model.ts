import type { Routed, RouteMatch } from '../../src/routing/route-match.ts';

/** A route table that compares each route with each path, one after the other. */
export class PlainTable<R extends Routed> {
  readonly #routes: readonly R[];

  constructor(routes: readonly R[]) {
    this.#routes = routes;
  }

  /** The route of a path as it was sent. */
  find(host: string, path: string, method: string): R | undefined {
    return this.#best(host, method, (match) => rankAsSent(match, path));
  }

  /** The route that a server means which makes no difference between a path with a slash at the end and one without. */
  findPage(host: string, path: string, method: string): R | undefined {
    return this.#best(host, method, (match) => rankOfPage(match, path));
  }

  #best(host: string, method: string, rankOf: (match: RouteMatch) => number): R | undefined {
    for (const here of [host, undefined]) {
      let best: R | undefined;
      for (const route of this.#routes) {
        const { match } = route;
        if (match.host !== here || match.methods?.includes(method) === false || rankOf(match) < 0) continue;
        const [rank, before] = [rankOf(match), best === undefined ? -1 : rankOf(best.match)];
        if (rank > before || (rank === before && match.methods !== undefined)) best = route;
      }
      if (best !== undefined) return best;
    }
    return undefined;
  }
}

/** The rank of a match that takes only the path in question. */
const ALONE = 1e6;

/** Higher is more specific; below 0 the match does not take the path. A path comes half a letter before a prefix. */
function rankAsSent({ path: text, kind }: RouteMatch, path: string): number {
  if (kind === 'exact') return path === text ? ALONE : -1;
  if (text === '/') return path.startsWith('/') ? 0.5 : -1;
  if (kind === 'prefix') return path.startsWith(text) ? text.length : -1;
  return `${path}/`.startsWith(`${text}/`) ? text.length + 0.5 : -1;
}

function rankOfPage(match: RouteMatch, path: string): number {
  const page = withoutSlash(path);
  const text = withoutSlash(match.path);
  if (match.kind === 'exact') return page === text ? ALONE : -1;
  // A route for whole segments that is named like the page comes before all but its exact path.
  if (match.kind === undefined && page === text) return ALONE / 2;
  return rankAsSent(match, `${page}/`);
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
