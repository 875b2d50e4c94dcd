import type { Reason } from '../reasons.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** A request that wants a connection. */
export interface Waiter {
  /** It may share a connection with others. */
  readonly shareable: boolean;
  /** It needs a connection that no request used before it, and that none gets after it. */
  readonly alone: boolean;
  /** Its place while it waits; the upstream sets it. */
  place: Place<Waiter> | undefined;
  onConnection(stream: UpstreamStream): void;
  onNoConnection(reason: Reason): void;
}

/** A place in a line, which its holder may give up from anywhere. */
export interface Place<T> {
  readonly waiter: T;
  /** The tick at which it has waited long enough. */
  readonly deadline: number;
  ahead: Place<T> | undefined;
  behind: Place<T> | undefined;
}

/**
 * Those who wait, in order of arrival. Not a Map: its front, taken again and again, lies behind all those that have
 * left, and with thousands in line each look at it walks past thousands.
 */
export class WaitingLine<T> {
  size = 0;
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;

  /** The one that waits longest. */
  get first(): Place<T> | undefined {
    return this.#first;
  }

  add(waiter: T, deadline: number): Place<T> {
    const place: Place<T> = { waiter, deadline, ahead: this.#last, behind: undefined };
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.size += 1;
    return place;
  }

  /** Exactly once for each place. */
  remove(place: Place<T>): void {
    const { ahead, behind } = place;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    this.size -= 1;
  }
}
