import type { PathMatch } from '../http/path-match.ts';

/** The requests that a route takes. */
export interface RouteMatch extends PathMatch {
  /** A name, an IP address, or `*.` and a name for all hosts below that name; undefined for any host. */
  readonly host: string | undefined;
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
