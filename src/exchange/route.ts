import type { Policy } from '../auth/policy/policy.ts';
import type { Permit } from '../auth/verdict.ts';
import type { Forwarded } from '../forwarding/request-writer.ts';
import type { PreflightReplies } from '../replies/preflight.ts';
import type { Routed } from '../routing/path-table.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { RouteTally } from './tally.ts';

/** A route with everything it needs resolved. */
export interface Route extends Routed {
  readonly name: string;
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly forwarded: Forwarded;
  /** Requests that authenticate their connection go upstream, on one of their own each. */
  readonly passConnectionAuth: boolean;
  /** Leave for preflights to pass without a token, or the answers to them; undefined when they need one. */
  readonly preflight: Permit | PreflightReplies | undefined;
  readonly tally: RouteTally;
}
