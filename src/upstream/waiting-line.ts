import type { Reason } from '../reasons.ts';
import type { ServerState } from './server-state.ts';
import type { UpstreamStream } from './upstream-stream.ts';

/** A request that needs a connection. */
export interface Waiter {
  /** It may share a connection with others. */
  readonly shareable: boolean;
  /** It needs a connection that carries no other request, before or after it. */
  readonly alone: boolean;
  /** The server on which it has failed; another one is better. */
  readonly avoid: ServerState | undefined;
  /** By which requests stay with one server; see `Balancer`. */
  readonly key: number;
  /** Its place while it waits; the upstream sets it. */
  place: Place<Waiter> | undefined;
  onConnection(stream: UpstreamStream): void;
  onNoConnection(reason: Reason): void;
}

/** A place in a line. Its holder may give it up from anywhere in the line. */
export interface Place<T> {
  readonly waiter: T;
  /** The tick at which its wait ends. */
  readonly deadline: number;
  ahead: Place<T> | undefined;
  behind: Place<T> | undefined;
}

/**
 * Waiters in order of arrival. Not a Map: deleted entries stay at its front, so with thousands in line each reading of
 * the first entry would walk past thousands.
 */
export class WaitingLine<T> {
  size = 0;
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;

  /** The place of the waiter that has waited longest. */
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

  /** Must be called exactly once for each place. */
  remove(place: Place<T>): void {
    const { ahead, behind } = place;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    this.size -= 1;
  }
}
