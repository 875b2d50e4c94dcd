import type { ClientStream } from '../front/front.ts';
import { EventTracker, isEventStream } from '../http/event-stream.ts';
import type { ResponseHead } from '../http/message.ts';
import type { Reason } from '../reasons.ts';
import type { Watched } from '../tunnel/token-watch.ts';

/** The exchange of a response under way. */
export interface AnswerOwner {
  readonly client: ClientStream;
  /**
   * The response must end now, because its request is not permitted any more.
   * @param whole it ends where it stands, as a complete one; otherwise it must not look complete.
   */
  onAnswerOver(reason: Reason, whole: boolean): void;
}

/**
 * A response under way that ends with its token. An event stream ends between two events and looks complete; any other
 * response is cut.
 */
export class Answer implements Watched {
  expiresAt: number | undefined;
  /** Why the gateway has ended it. */
  endedBy: Reason | undefined;
  readonly #owner: AnswerOwner;
  /** Undefined where the response cannot end before its own end. */
  readonly #events: EventTracker | undefined;
  /** Why it is about to end. */
  #reason: Reason | undefined;

  constructor(owner: AnswerOwner, head: ResponseHead) {
    this.#owner = owner;
    // With a length, only all of its bytes are a complete response.
    this.#events = head.framing !== 'length' && isEventStream(head) ? new EventTracker() : undefined;
  }

  get ending(): boolean {
    return this.#reason !== undefined;
  }

  /** Follows what upstream sends. Returns what may go to the client: up to the end of the present event if it is to end. */
  take(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    const events = this.#events;
    if (events === undefined) return pieces;
    if (!this.ending) {
      for (const piece of pieces) events.pass(piece);
      return pieces;
    }
    return pieces.map((piece) => piece.subarray(0, events.passEvent(piece)));
  }

  /** Ends it as soon as an event is whole. What is left after a while is for `expire`. */
  end(reason: Reason): void {
    if (this.ending) return;
    this.#reason = reason;
    if (this.#events === undefined) this.#finish(reason, false);
    else this.settle();
  }

  /** Ends it if that is due, and the client has taken all that it was sent. Called after each step of the response. */
  settle(): void {
    const reason = this.#reason;
    if (reason === undefined || this.#events?.atBoundary !== true || this.#owner.client.behind) return;
    this.#finish(reason, true);
  }

  /** Ends it now. Clients drop an event that is not whole (HTML §9.2.6). */
  expire(): void {
    if (this.#reason !== undefined) this.#finish(this.#reason, !this.#owner.client.behind);
  }

  #finish(reason: Reason, whole: boolean): void {
    this.endedBy = reason;
    this.#owner.onAnswerOver(reason, whole);
  }
}
