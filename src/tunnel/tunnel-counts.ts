/** The bounds of a route on its tunnels, each in one process. */
export interface TunnelLimits {
  /** Tunnels of the route; undefined: any number. */
  readonly limit?: number | undefined;
  /** Those of one subject; undefined: any number. */
  readonly perSubject?: number | undefined;
}

/** A route, as far as its tunnels are counted. */
export interface TunnelRoute {
  readonly name: string;
  readonly tunnelLimits?: TunnelLimits | undefined;
}

/** Counts open tunnels by route, and by the subjects of their tokens. */
export class TunnelCounts {
  readonly #routes = new Map<string, number>();
  /**
   * By route and subject. A key is as long as a token may be, 16 KiB, and each tunnel keeps its whole request head
   * beside it.
   */
  readonly #subjects = new Map<string, number>();

  get byRoute(): ReadonlyMap<string, number> {
    return this.#routes;
  }

  /** Subjects with a tunnel, once for each route. */
  get subjects(): number {
    return this.#subjects.size;
  }

  /** Whether the route takes one more. @param subject undefined: the request has none, so no bound of it counts. */
  admits({ name, tunnelLimits }: TunnelRoute, subject: string | undefined): boolean {
    const { limit = Number.POSITIVE_INFINITY, perSubject = Number.POSITIVE_INFINITY } = tunnelLimits ?? {};
    if ((this.#routes.get(name) ?? 0) >= limit) return false;
    return subject === undefined || (this.#subjects.get(keyOf(name, subject)) ?? 0) < perSubject;
  }

  add(route: string, subject: string | undefined): void {
    count(this.#routes, route, 1);
    if (subject !== undefined) count(this.#subjects, keyOf(route, subject), 1);
  }

  remove(route: string, subject: string | undefined): void {
    count(this.#routes, route, -1);
    if (subject !== undefined) count(this.#subjects, keyOf(route, subject), -1);
  }
}

/** No route has a line feed in its name. */
function keyOf(route: string, subject: string): string {
  return `${route}\n${subject}`;
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}
