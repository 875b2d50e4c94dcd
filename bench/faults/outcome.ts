import { LatencyHistogram } from '../stats.ts';
import type { Arrivals, LoadLog } from './messages.ts';

/** Milliseconds at fixed times that do not count: the warm-up ends with more connections than the rate needs. */
const LEAD_MS = 500;

const OK = 200;

/** What the servers and the clients have noted. All times are those of `now`. */
export interface Notes {
  readonly log: LoadLog;
  /** The first request at a fixed time. */
  readonly first: number;
  /** By the number of the server. */
  readonly arrivals: readonly Arrivals[];
  /** The number of the server that broke. */
  readonly broken: number;
  readonly brokenAt: number;
  readonly mendedAt: number;
  /** The last attempt at the broken server that its gateway has counted, where the server cannot. */
  readonly lastAttemptAt?: number | undefined;
}

export interface Outcome {
  /** Requests from the fault to the end. */
  readonly requests: number;
  /** Of them, and of those under way when it broke, those that did not end with 200. */
  readonly failed: {
    /** Under way on the broken server when it broke. */
    readonly underWay: number;
    /** Later ones that reached no other server. */
    readonly later: number;
    /** All others. */
    readonly elsewhere: number;
  };
  /** Failures by status, or `UNANSWERED` or `BROKEN_OFF`. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Milliseconds from the fault to the last request that was sent to the broken server. */
  readonly shareMs: number;
  /** p99 of requests that the other servers served, in milliseconds. */
  readonly p99Before: number;
  readonly p99During: number;
  /** Milliseconds from the repair to the first request that was sent to the server again; undefined: never. */
  readonly againMs: number | undefined;
}

/** What a fault has done to the requests. */
export function outcomeOf(notes: Notes): Outcome {
  const { log, first, arrivals, broken, brokenAt, mendedAt, lastAttemptAt = brokenAt } = notes;
  const elsewhere = new Set(arrivals.flatMap(({ requests }, server) => (server === broken ? [] : requests)));
  const failed = { underWay: 0, later: 0, elsewhere: 0 };
  const statuses: Record<number, number> = {};
  const before = new LatencyHistogram();
  const during = new LatencyHistogram();
  const countFrom = (log.start[first] ?? 0) + LEAD_MS;
  let requests = 0;
  let sentAt = lastAttemptAt;
  for (const [request, start] of log.start.entries()) {
    const end = log.end[request] as number;
    const status = log.status[request] as number;
    if (start >= brokenAt) requests += 1;
    if (status === OK) {
      if (log.server[request] === broken || start < countFrom) continue;
      if (start < brokenAt) before.record(end - start);
      else if (start < mendedAt) during.record(end - start);
      continue;
    }
    statuses[status] = (statuses[status] ?? 0) + 1;
    // A request that was under way when the load ended has no end, and one that failed before the fault counts as well.
    if (elsewhere.has(request) || (end !== 0 && end < brokenAt)) failed.elsewhere += 1;
    else if (start < brokenAt) failed.underWay += 1;
    else {
      failed.later += 1;
      if (start < mendedAt) sentAt = Math.max(sentAt, start);
    }
  }
  let againAt = Number.POSITIVE_INFINITY;
  const { requests: arrived, at } = arrivals[broken] as Arrivals;
  for (const [index, request] of arrived.entries()) {
    // A stopped server reads later what was sent to it before: the start of the request decides.
    const start = log.start[request] as number;
    const arrivedAt = at[index] as number;
    if (start >= mendedAt) againAt = Math.min(againAt, arrivedAt);
    else if (arrivedAt >= brokenAt) sentAt = Math.max(sentAt, arrivedAt < mendedAt ? arrivedAt : start);
  }
  return {
    requests,
    failed,
    statuses,
    shareMs: sentAt - brokenAt,
    p99Before: before.quantile(0.99),
    p99During: during.quantile(0.99),
    againMs: againAt === Number.POSITIVE_INFINITY ? undefined : againAt - mendedAt,
  };
}
