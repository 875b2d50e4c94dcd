import type { Authorizer } from '../auth/authorizer.ts';
import type { Rejection } from '../auth/verdict.ts';
import type { RequestWriter } from '../forwarding/request-writer.ts';
import type { Reply, RequestHead } from '../http/message.ts';
import type { Networks } from '../http/networks.ts';
import type { Clock } from '../lib/clock.ts';
import type { Reason } from '../reasons.ts';
import type { Replies } from '../replies/replies.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { AccessLog } from './access-log.ts';
import type { BodyRules } from './request-body.ts';
import type { Route } from './route.ts';
import type { Tally } from './tally.ts';

/** Everything an exchange needs that outlives it; replaced as a whole, never edited, when the configuration changes. */
export interface Service<Exchange> extends BodyRules {
  readonly routes: RouteTable<Route>;
  readonly authorizer: Authorizer;
  readonly writer: RequestWriter;
  readonly replies: Replies;
  /** The answer to a refused token, of which the log may have a line. */
  readonly refusal: (rejection: Rejection, route: Route, head: RequestHead) => Reply;
  readonly tally: Tally;
  /** Undefined when nothing is to be logged. */
  readonly accessLog: AccessLog | undefined;
  /** Peers whose word about the client is believed; undefined: none. */
  readonly trustedProxies: Networks | undefined;
  readonly clock: Clock;
  readonly rejectChunked: boolean;
  /** Milliseconds from a request's head to the last byte of its answer; Infinity for no limit. */
  readonly requestMs: number;
  readonly onEnd: (exchange: Exchange) => void;
  /** Receives a fault of ours; the exchange that met it ends by itself. */
  readonly onFault: (error: unknown) => void;
}

/** Why a request is refused by its head alone, before its route is looked for. */
export function faultOf(
  head: RequestHead,
  { rejectChunked, requestBodyLimit }: Pick<Service<unknown>, 'rejectChunked' | 'requestBodyLimit'>,
): Reason | undefined {
  if (head.fault !== undefined) return head.fault;
  if (head.framing === 'chunked' && rejectChunked) return 'length_required';
  return head.contentLength > requestBodyLimit ? 'request_body_too_large' : undefined;
}
