import type { Reason } from '../reasons.ts';
import type { DownCause } from './server-report.ts';

/** The facts of a request that failed on a connection. The connection does not judge them: `mayRetry` decides. */
export interface AttemptFailure {
  readonly reason: Reason;
  /** The cause for the record of the server. */
  readonly cause: DownCause;
  /** The part of the request that the socket got. Upstream has seen no more. */
  readonly sent: 'nothing' | 'part' | 'all';
  /** At least one byte of a response, even of an interim one, has arrived. */
  readonly responseBegun: boolean;
  /** The connection had carried another request before. */
  readonly reused: boolean;
  /** Two such requests do no more harm than one. */
  readonly repeatable: boolean;
}

/**
 * Whether upstream has not begun the request: it has seen no byte of it, or it closed a kept connection while a
 * repeatable request was on its way (RFC 9112 §9.3.1). Such a failure does not mean that the server is down. A
 * connection that cannot be made does.
 */
export function isUntaken({ reason, sent, responseBegun, reused, repeatable }: AttemptFailure): boolean {
  if (sent === 'nothing') return reason !== 'upstream_unreachable';
  return reason === 'upstream_reset' && reused && !responseBegun && repeatable;
}

/** Whether another attempt follows a failed one. @param second the second one failed: there is no third. */
export function mayRetry(failure: AttemptFailure, second: boolean): boolean {
  return !second && isUntaken(failure);
}
