import type { Reason } from '../reasons.ts';
import type { DownCause } from './server-report.ts';

/** What a connection knows of a request that failed on it. It judges nothing: `mayRetry` decides what follows. */
export interface AttemptFailure {
  readonly reason: Reason;
  /** The same for the record of the server. */
  readonly cause: DownCause;
  /** How much of the request was handed to the socket: upstream has seen no more than that. */
  readonly sent: 'nothing' | 'part' | 'all';
  /** At least one byte of a response came, be it an interim one. */
  readonly responseBegun: boolean;
  /** The connection had carried another request before. */
  readonly reused: boolean;
  /** Two of these requests do no more harm than one. */
  readonly repeatable: boolean;
}

/**
 * Upstream has not taken the request up: it saw nothing of it, or closed a connection that it had kept while a
 * repeatable request was on its way (RFC 9112 §9.3.1). That says nothing about the server. A connection that could not
 * be made does.
 */
export function isUntaken({ reason, sent, responseBegun, reused, repeatable }: AttemptFailure): boolean {
  if (sent === 'nothing') return reason !== 'upstream_unreachable';
  return reason === 'upstream_reset' && reused && !responseBegun && repeatable;
}

/** Whether another attempt follows a failed one. @param second the second one failed: there is no third. */
export function mayRetry(failure: AttemptFailure, second: boolean): boolean {
  return !second && isUntaken(failure);
}
