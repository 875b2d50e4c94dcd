import type { Policy } from '../auth/policy/policy.ts';
import type { Permit } from '../auth/verdict.ts';
import type { HashSource } from '../config/upstream-config.ts';
import type { Forwarded } from '../forwarding/request-writer.ts';
import type { ResponseFields } from '../forwarding/response-fields.ts';
import type { PreflightReplies } from '../replies/preflight.ts';
import type { Routed } from '../routing/route-match.ts';
import type { TunnelLimits } from '../tunnel/tunnel-counts.ts';
import type { UpgradeRules } from '../tunnel/upgrade.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { RouteRates } from './rates.ts';
import type { RouteTally, RouteTimes } from './tally.ts';

/** A route with everything that its exchanges need. */
export interface Route extends Routed, UpgradeRules {
  readonly name: string;
  readonly policy: Policy;
  readonly upstream: Upstream;
  /** The part of a request by which the upstream chooses a server; undefined: it chooses by other things. */
  readonly hashBy: HashSource | undefined;
  readonly forwarded: Forwarded;
  /** Requests that authenticate their connection go upstream, each on a connection of its own. */
  readonly passConnectionAuth: boolean;
  /** The permit for preflights without a token, or the replies to them; undefined when preflights need a token. */
  readonly preflight: Permit | PreflightReplies | undefined;
  /** Undefined: responses go to the client with upstream's fields. */
  readonly responseFields: ResponseFields | undefined;
  /** Its tunnels outlive their tokens. */
  readonly keepsTunnels: boolean;
  /** Its responses under way end with their tokens. */
  readonly endsAnswers: boolean;
  /** Undefined: only the bound of all tunnels. */
  readonly tunnelLimits: TunnelLimits | undefined;
  /** Undefined: its requests may come at any rate. */
  readonly rates: RouteRates | undefined;
  readonly tally: RouteTally;
  /** Undefined: no histograms of its own are configured. */
  readonly times: RouteTimes | undefined;
}
