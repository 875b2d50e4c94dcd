import type { Access } from './auth/access.ts';
import type { PreflightReplies } from './listener/preflight-replies.ts';
import type { Routed } from './routing/path-table.ts';
import type { RouteTally } from './tally.ts';
import type { Permit } from './types.ts';
import type { Pool } from './upstream/pool.ts';
import type { Forwarded } from './upstream/request-writer.ts';

/** A route with everything it needs resolved. */
export interface Route extends Routed {
  readonly name: string;
  readonly access: Access;
  readonly pool: Pool;
  readonly forwarded: Forwarded;
  /** Requests that authenticate their connection go upstream, on one of their own each. */
  readonly passConnectionAuth: boolean;
  /** Leave for preflights to pass without a token, or the answers to them; undefined when they need one. */
  readonly preflight: Permit | PreflightReplies | undefined;
  readonly tally: RouteTally;
}
