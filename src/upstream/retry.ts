import type { RetryCause, UpstreamConfig } from '../config/upstream-config.ts';
import type { CounterFamily } from '../lib/counters.ts';
import type { Reason } from '../reasons.ts';
import type { DownCause } from './server-report.ts';
import type { ServerState } from './server-state.ts';

/** The facts of a request that failed on a connection. The connection does not judge them: `RetryPolicy` decides. */
export interface AttemptFailure {
  readonly reason: Reason;
  /** The cause for the record of the server. */
  readonly cause: DownCause;
  /**
   * The part of the request that the socket got. Upstream has seen no more. With `nothing` the stream has got no byte of
   * the body either, so the body can go to another stream.
   */
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

/**
 * Retries of one upstream that a process may always have under way: the budget of a gateway with few requests would
 * otherwise be none.
 */
const LEAST_BUDGET = 3;

/**
 * Causes by which a server has refused a connection at once. It has done no work for the request, and is not slow, so
 * another attempt adds no load to an upstream that has too much: each request still reaches one server.
 */
const refusals: ReadonlySet<DownCause> = new Set<DownCause>([
  'refused',
  'unreachable',
  'certificate_expired',
  'certificate_name',
  'certificate_untrusted',
]);

/** One more attempt at a request. */
export interface Retry {
  /** Retries of the request that count, with this one. */
  readonly counted: number;
  /** It takes a place in the budget until it ends. */
  readonly holdsPlace: boolean;
  /** A kept connection turned out to be closed. Another kept one may be as dead, so only a new one will do. */
  readonly fresh: boolean;
  /** The server that the last attempt failed on; undefined where its failure says nothing of the server. */
  readonly avoid: ServerState | undefined;
}

/** The upstream, as its policy sees it. */
export interface RetryScope {
  /** Requests under way, with those that wait for a connection. */
  readonly underWay: number;
  /** A server other than this one may take requests. */
  hasOther(server: ServerState): boolean;
}

/**
 * Decides whether a request is sent again (RFC 9110 §9.2.2), for one upstream.
 *
 * After a kept connection turned out to be closed, a request is sent again once, beside the configured attempts and the
 * budget: the server has not taken the request, so the server gets no request twice. All other retries go to another
 * server, and each holds a place in the budget until its attempt ends, unless the server has refused the connection.
 */
export class RetryPolicy {
  readonly #attempts: number;
  readonly #budget: number;
  readonly #on: ReadonlySet<RetryCause>;
  readonly #counts: CounterFamily;
  readonly #scope: RetryScope;
  #underWay = 0;

  /** @param counts by result. */
  constructor(rules: UpstreamConfig['retries'], counts: CounterFamily, scope: RetryScope) {
    this.#attempts = rules.attempts;
    this.#budget = rules.budget;
    this.#on = new Set(rules.on);
    this.#counts = counts;
    this.#scope = scope;
  }

  /**
   * The attempt that follows a failed one; undefined for none.
   * @param earlier the retry that failed; undefined for the first attempt.
   */
  afterFailure(failure: AttemptFailure, server: ServerState, earlier: Retry | undefined): Retry | undefined {
    if (isUntaken(failure) && earlier?.fresh !== true) {
      this.#counts.of('kept_closed').value += 1;
      return { counted: earlier?.counted ?? 0, holdsPlace: false, fresh: true, avoid: earlier?.avoid };
    }
    const { reason, cause, sent, responseBegun, repeatable } = failure;
    if (reason === 'upstream_unreachable' && sent === 'nothing') {
      return this.#elsewhere('connect', server, earlier, !refusals.has(cause));
    }
    if (reason === 'upstream_reset' && (repeatable || sent === 'nothing') && !responseBegun) {
      return this.#elsewhere('reset', server, earlier, true);
    }
    return undefined;
  }

  /** The attempt that follows a response with 502, 503 or 504 to a repeatable request; undefined for none. */
  afterUnavailable(server: ServerState, earlier: Retry | undefined): Retry | undefined {
    return this.#elsewhere('unavailable', server, earlier, true);
  }

  /** An attempt begins. Must be followed by `ends`. */
  begins(retry: Retry): void {
    if (retry.holdsPlace) this.#underWay += 1;
  }

  ends(retry: Retry): void {
    if (retry.holdsPlace) this.#underWay -= 1;
  }

  #elsewhere(
    on: RetryCause,
    server: ServerState,
    earlier: Retry | undefined,
    holdsPlace: boolean,
  ): Retry | undefined {
    const counted = (earlier?.counted ?? 0) + 1;
    if (!this.#on.has(on) || counted > this.#attempts || !this.#scope.hasOther(server)) return undefined;
    if (holdsPlace && this.#isSpent) {
      this.#counts.of('over_budget').value += 1;
      return undefined;
    }
    this.#counts.of('sent').value += 1;
    return { counted, holdsPlace, fresh: earlier?.fresh === true, avoid: server };
  }

  get #isSpent(): boolean {
    return this.#underWay >= Math.max(LEAST_BUDGET, Math.floor(this.#scope.underWay * this.#budget));
  }
}
