import type { ClientStream } from '../front/front.ts';
import type { HttpVersion, Reply, RequestHead } from '../http/message.ts';
import type { Reason } from '../reasons.ts';
import type { Marks } from '../trace/marker.ts';
import type { AccessEnd, AccessRecord } from './access-log.ts';
import type { ExchangeContext } from './context.ts';
import type { RequestBody } from './request-body.ts';
import type { Route } from './route.ts';
import { NO_ROUTE, type Outcome } from './tally.ts';

/**
 * The reason of an exchange whose time is over. It names the side that had to act next. Counts a failure of upstream,
 * since the attempt is given up and reports none.
 * @param body undefined when the request has none. @param verifying the verdict on its token is pending.
 */
export function countExpiry(
  client: ClientStream,
  body: RequestBody | undefined,
  verifying: boolean,
  route: Route | undefined,
): Reason {
  if (client.behind || (body?.awaited === true && !client.pausing)) return 'request_timeout';
  if (verifying) return 'verifier_overloaded';
  if (route !== undefined) route.upstream.failures.of('upstream_timeout').value += 1;
  return 'upstream_timeout';
}

/** Counts how an exchange ended; called once for each. @param route undefined when no route took the request. */
export function countEnd(
  context: Pick<ExchangeContext<unknown>, 'tally' | 'exemplars' | 'clock'>,
  protocol: HttpVersion,
  route: Route | undefined,
  outcome: Outcome,
  seconds: number,
  marks: Marks,
): void {
  const { tally } = context;
  tally.spoke(protocol);
  if (outcome === 'forwarded') tally.forwarded((route as Route).tally, seconds);
  else tally.failed(route?.tally, outcome, seconds);
  if (route?.times !== undefined) {
    route.times.route?.observe(seconds);
    if (outcome === 'forwarded') route.times.upstream?.observe(seconds);
  }
  if (context.exemplars) noteExemplar(context, route, outcome, seconds, marks);
}

/** Notes a sampled trace as the example of what was counted. */
function noteExemplar(
  { tally, clock }: Pick<ExchangeContext<unknown>, 'tally' | 'clock'>,
  route: Route | undefined,
  outcome: Outcome,
  value: number,
  { sampled, traceId }: Marks,
): void {
  if (!sampled || traceId === undefined) return;
  const exemplar = { traceId, value, at: clock.wall() / 1000 };
  tally.seconds.note(exemplar);
  route?.times?.route?.note(exemplar);
  if (outcome === 'forwarded') route?.times?.upstream?.note(exemplar);
}

/** Notes for the access log that the client got a reply of the gateway. */
export function noteReply(
  access: AccessRecord | undefined,
  reply: Reply | undefined,
  { method }: RequestHead,
): void {
  if (access === undefined || reply === undefined) return;
  access.status = reply.head.status;
  access.responseBytes = method === 'HEAD' ? 0 : reply.body.length;
}

/** The facts of an exchange after its end. */
export interface Ended {
  readonly head: RequestHead;
  readonly route: { readonly name: string; readonly upstream: { readonly name: string } } | undefined;
  readonly outcome: Outcome;
  /** The status of upstream's response; undefined when the client got no byte of it. */
  readonly forwardedStatus: number | undefined;
  readonly requestBytes: number;
  /** The request was ready for upstream. */
  readonly attempted: boolean;
}

/** The facts for the exchange's line in the access log. */
export function accessEnd(record: AccessRecord, ended: Ended): AccessEnd {
  const { head, route } = ended;
  return {
    method: head.method,
    host: head.host,
    path: head.path,
    route: route?.name ?? NO_ROUTE,
    outcome: ended.outcome,
    status: record.status ?? ended.forwardedStatus ?? null,
    durationMs: record.durationMs,
    requestBytes: ended.requestBytes,
    upstream: ended.attempted ? (route?.upstream.name ?? null) : null,
  };
}
