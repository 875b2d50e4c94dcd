import type { Authorizer } from '../auth/authorizer.ts';
import type { Rejection } from '../auth/verdict.ts';
import type { RequestWriter } from '../forwarding/request-writer.ts';
import type { Reply, RequestHead } from '../http/message.ts';
import type { Networks } from '../http/networks.ts';
import type { Clock } from '../lib/clock.ts';
import type { Reason } from '../reasons.ts';
import type { HttpsRedirect } from '../replies/https-redirect.ts';
import type { Replies } from '../replies/replies.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { Marker } from '../trace/marker.ts';
import type { Tunnels } from '../tunnel/tunnels.ts';
import type { Answers } from './answers.ts';
import type { Recorder } from './recorder.ts';
import type { BodyRules } from './request-body.ts';
import type { Route } from './route.ts';
import type { Tally } from './tally.ts';

/** The surroundings of exchanges. A change of the configuration replaces them as a whole. */
export interface ExchangeContext<Exchange> extends BodyRules {
  readonly routes: RouteTable<Route>;
  readonly authorizer: Authorizer;
  readonly writer: RequestWriter;
  readonly replies: Replies;
  /** For addresses that redirect to https. */
  readonly redirect: HttpsRedirect;
  /** The reply to a refused token. May also log the refusal. */
  readonly refusal: (rejection: Rejection, route: Route, head: RequestHead) => Reply;
  readonly tally: Tally;
  /** Histograms have sampled traces as examples. */
  readonly exemplars: boolean;
  /** Undefined: nothing of an exchange is written down. */
  readonly recorder: Recorder | undefined;
  /** Proxies whose forwarding fields are trusted; undefined: none. */
  readonly trustedProxies: Networks | undefined;
  readonly marker: Marker;
  readonly tunnels: Tunnels;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly rejectChunked: boolean;
  /** Milliseconds from a request's head to the last byte of the response; Infinity for no limit. */
  readonly requestMs: number;
  readonly onEnd: (exchange: Exchange) => void;
  /** Receives a fault of ours; the exchange ends by itself. */
  readonly onFault: (error: unknown) => void;
}

/** The reason to refuse a request by its head alone, before the search for its route. */
export function faultOf(
  head: RequestHead,
  { rejectChunked, requestBodyLimit }: Pick<ExchangeContext<unknown>, 'rejectChunked' | 'requestBodyLimit'>,
): Reason | undefined {
  if (head.fault !== undefined) return head.fault;
  if (head.framing === 'chunked' && rejectChunked) return 'length_required';
  return head.contentLength > requestBodyLimit ? 'request_body_too_large' : undefined;
}
