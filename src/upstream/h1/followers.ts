import type { WireHead } from '../../forwarding/request-writer.ts';
import { isRepeatable } from '../repeatable.ts';
import type { ResponseSink } from '../response-sink.ts';

/** A request behind the one whose answer is next. */
export interface Follower {
  readonly method: string;
  /** Undefined once it is written. */
  head: WireHead | undefined;
  /** Undefined once the answer is abandoned. */
  sink: ResponseSink | undefined;
}

/** The requests behind the one whose answer is next on a connection, in the order in which they are answered. */
export class Followers {
  readonly #queue: Follower[] = [];

  get size(): number {
    return this.#queue.length;
  }

  /** Anybody waits for one of their answers. */
  get awaited(): boolean {
    return this.#queue.some(({ sink }) => sink !== undefined);
  }

  /** The first of them is on its way, so that bytes may be its answer. */
  get firstIsSent(): boolean {
    const [first] = this.#queue;
    return first !== undefined && first.head === undefined;
  }

  add(follower: Follower): void {
    this.#queue.push(follower);
  }

  /** The next one, which is no follower any more. */
  shift(): Follower | undefined {
    return this.#queue.shift();
  }

  /** What is still to be written, in one text behind `first`. */
  take(first: WireHead | undefined): WireHead | undefined {
    let taken = first;
    for (const follower of this.#queue) {
      const { head } = follower;
      if (head === undefined) continue;
      follower.head = undefined;
      if (taken === undefined) taken = head;
      else {
        // What is to be written as latin1 has nothing but ASCII, which is the same in both.
        const encoding = taken.encoding === 'utf8' ? 'utf8' : head.encoding;
        taken = { text: taken.text + head.text, encoding };
      }
    }
    return taken;
  }

  /** One of them wants no answer any more; what is written will be answered all the same. */
  leave(sink: ResponseSink): void {
    const at = this.#queue.findIndex((follower) => follower.sink === sink);
    const follower = this.#queue[at];
    if (follower === undefined) return;
    if (follower.head === undefined) follower.sink = undefined;
    else this.#queue.splice(at, 1);
  }

  /** The connection has ended before any of their responses began. */
  fail(): void {
    for (const { method, head, sink } of this.#queue.splice(0)) {
      sink?.onFailure({
        reason: 'upstream_reset',
        cause: 'reset',
        sent: head === undefined ? 'all' : 'nothing',
        responseBegun: false,
        reused: true,
        repeatable: isRepeatable(method, false),
      });
    }
  }

  clear(): void {
    this.#queue.length = 0;
  }
}
