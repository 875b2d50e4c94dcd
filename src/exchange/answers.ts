import type { RequestHead, ResponseHead } from '../http/message.ts';
import { CounterFamily } from '../lib/counters.ts';
import type { Timers } from '../lib/timers.ts';
import type { Reason } from '../reasons.ts';
import { TokenWatch, type WatchOptions, type WatchOwner } from '../tunnel/token-watch.ts';
import { Answer, type AnswerOwner } from './answer.ts';

/** Milliseconds for upstream to send the rest of an event, and for the client to take it, before the response ends. */
const END_MS = 700;

/** The responses under way of one process that end with their tokens: those of routes with `onExpiry.answers: close`. */
export class Answers implements WatchOwner<Answer> {
  /** Responses that were ended, by the reason. */
  readonly ends = new CounterFamily();
  readonly #timers: Timers;
  readonly #watch: TokenWatch<Answer>;

  constructor(options: WatchOptions) {
    this.#timers = options.timers;
    this.#watch = new TokenWatch(options, this);
  }

  /** How many are watched. */
  get size(): number {
    return this.#watch.requests.size;
  }

  /** How many are about to end. */
  get ending(): number {
    return this.#watch.ending;
  }

  /** From now on a response ends with its token. `delete` must follow. */
  add(owner: AnswerOwner, route: string, request: RequestHead, response: ResponseHead): Answer {
    const answer = new Answer(owner, response);
    this.#watch.add(answer, { route, head: request });
    return answer;
  }

  /** The response has ended. */
  delete(answer: Answer): void {
    if (this.#watch.delete(answer) === undefined || answer.endedBy === undefined) return;
    this.ends.of(answer.endedBy).value += 1;
  }

  /** Judges the requests of all of them again, from the next tick on. */
  judgeAll(): void {
    this.#watch.judgeAll();
  }

  /** Judges nothing any more. */
  close(): void {
    this.#watch.close();
  }

  onTick(): void {}

  /** Silence has a time-out of its own: that of upstream. */
  idleMsLeft(): number {
    return Number.POSITIVE_INFINITY;
  }

  onIdle(): void {}

  onRefused(answer: Answer, reason: Reason): void {
    answer.end(reason);
    if (this.#watch.requests.has(answer)) this.#timers.after(END_MS, () => this.#expire(answer));
  }

  #expire(answer: Answer): void {
    if (this.#watch.requests.has(answer)) answer.expire();
  }
}
