import { GRACE_SECONDS } from './config.ts';
import type { Connection } from './connection.ts';
import type { Came } from './exchange.ts';
import { type Expected, headOnly, refused } from './expected.ts';
import { faultOf, isBeginning } from './judge.ts';
import type { UpstreamName } from './upstream.ts';
import type { Windows } from './windows.ts';

/** What may come in place of the right response, and how the gateway may have counted it. */
export interface Excuse {
  readonly why: string;
  /** Outcomes; a response has one for certain, and a request that a kill cut may not be counted. */
  readonly outcomes: readonly string[];
  readonly isCertain: boolean;
}

const draining = refused(503, 'draining');
const unreachable = [refused(502, 'upstream_unreachable'), refused(502, 'upstream_reset')];

/** Explains a deviation by earlier events; undefined when nothing explains it. */
export class Excuses {
  readonly #windows: Windows;
  /**
   * When a worker stops listening, the kernel hands connections that it has not accepted to the others; otherwise it
   * resets them.
   */
  readonly #queuesMove: boolean;

  constructor(windows: Windows, queuesMove: boolean) {
    this.#windows = windows;
    this.#queuesMove = queuesMove;
  }

  excuse(came: Came, connection: Connection, rights: readonly Expected[]): Excuse | undefined {
    const { end, closedBy, from, to, isFirst, isHead, hasBody, isRefused, protocol, reader } = came;
    const isCut =
      end === 'cut' && closedBy !== 'ECONNREFUSED' && rights.some((right) => isBeginning(came, right));
    if (isCut && connection.isDoomed) {
      return { why: 'its listener was killed', outcomes: rights.map(outcomeOf), isCertain: false };
    }
    if (this.#isDown(rights, from, to)) {
      const why = 'upstream was down';
      const outcomes = unreachable.map(outcomeOf);
      // A client in the middle of sending may miss its response when the connection ends, which no stream does to it.
      if (isCut && (reader.received > 0 || (hasBody && protocol !== 'HTTP/2')))
        return { why, outcomes, isCertain: true };
      const closes = rights.every((right) => right.closes);
      const refusals = isHead ? unreachable.map(headOnly) : unreachable;
      const found = refusals.find((refusal) => faultOf(came, { ...refusal, closes }) === undefined);
      if (found !== undefined) return { why, outcomes: [outcomeOf(found)], isCertain: true };
    }
    if (isCut && isRefused && this.mayClose(connection.openedAt, to)) {
      return { why: 'not begun by a listener that was replaced', outcomes: [], isCertain: false };
    }
    // On a busy machine an exchange can last longer than a listener that is replaced waits for it.
    const isLong = to - from >= GRACE_SECONDS * 1000;
    const reply = isHead ? headOnly(draining) : draining;
    if (
      isLong &&
      this.mayHaveEnded(connection.openedAt, to) &&
      (isCut || faultOf(came, reply) === undefined)
    ) {
      const outcomes = ['draining', ...rights.map(outcomeOf)];
      return { why: 'longer than the grace of a listener that was replaced', outcomes, isCertain: false };
    }
    const isUntouched = isCut && isFirst && reader.received === 0;
    if (isUntouched && !this.#queuesMove && this.#windows.overlap('roll', connection.openedAt, to)) {
      return { why: 'in the queue of a listener that was replaced', outcomes: [], isCertain: false };
    }
    return undefined;
  }

  /** The responses, besides the right ones, that may have begun when their client left. */
  ofLeaver({ from, to }: Came, rights: readonly Expected[]): readonly Expected[] {
    return this.#isDown(rights, from, to) ? unreachable : [];
  }

  /** Whether a connection opened then may be asked to leave now: its worker is or was being replaced. */
  mayClose(openedAt: number, now: number): boolean {
    return this.#windows.overlap('roll', openedAt, now);
  }

  /** Whether a worker that is being replaced may have ended an idle connection. */
  mayHaveEnded(openedAt: number, now: number): boolean {
    return this.#windows.overlap('roll', openedAt, now - GRACE_SECONDS * 1000);
  }

  #isDown(rights: readonly Expected[], from: number, to: number): boolean {
    return this.isDown(
      rights.flatMap(({ by }) => (by === undefined ? [] : [by])),
      from,
      to,
    );
  }

  /** Whether one of these was down at a time between these. */
  isDown(upstreams: readonly UpstreamName[], from: number, to: number): boolean {
    return upstreams.some((name) => this.#windows.overlap(`upstream ${name} down`, from, to));
  }
}

const outcomeOf = ({ outcome }: Expected): string => outcome ?? 'none';
