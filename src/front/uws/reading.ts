import type { EngineResponse } from './engine.ts';

/** Milliseconds from one postponement of the engine's time-out to the next: the engine's takes 8 s at least. */
const POSTPONE_MS = 4_000;

/**
 * How the engine reads one request body. Its rules, found in its source: a pause takes the socket out of the poll
 * altogether, so that the end of a client is not seen either, and stops its time-out. What a resume polls for is not
 * kept with the connection, but in two slots of the thread, one for connections with bytes in the engine's send buffer
 * and one for others. Each slot holds what the connection paused last was polled for. So a resume may poll for too
 * little (nothing, with a slot that was never filled), or also for room to write, which is harmless: it starts a
 * time-out of 10 s, as a resume does. A refused write polls for both, which ends a pause.
 */
export class Reading {
  readonly #response: EngineResponse;
  #stopped = false;
  /** Stopped at some time since that was asked. */
  #wasStopped = false;
  /** The engine's time-out of about 10 s runs although nothing waits for the client to take an answer. */
  #timed = true;
  /** Bytes of the request's body may still come. */
  #awaited = true;
  #received = 0;
  /** Bytes received at the last postponement. */
  #receivedThen = 0;
  /** Monotonic milliseconds; -1 before the first review. */
  #postponedAt = -1;
  readonly #paced: boolean;
  /** Bytes that wait for upstream; -1 unless the body is wanted behind the end of the response. */
  #held = -1;

  /** @param paced the exchange ends a body that comes too slowly. */
  constructor(response: EngineResponse, paced: boolean) {
    this.#response = response;
    this.#paced = paced;
  }

  /** Bytes of the body that have come in. */
  get received(): number {
    return this.#received;
  }

  /** The client has not sent all of its body. */
  get receiving(): boolean {
    return this.#awaited;
  }

  /** The client is kept from sending its body. */
  get pausing(): boolean {
    return this.#stopped;
  }

  /** The next bytes of the body have come; `last`: all of it. */
  take(bytes: number, last: boolean): void {
    this.#received += bytes;
    if (!last) return;
    this.#timed = false;
    this.#awaited = false;
  }

  /** The body is wanted behind the end of the response; `held` of its bytes wait for upstream. */
  keep(held: number): void {
    this.#held = held;
  }

  /** See `keep`. */
  get kept(): boolean {
    return this.#held >= 0;
  }

  /** Bytes that upstream has not taken of a kept body of `length` bytes. */
  untaken(length: number): number {
    return length - this.#received + this.#held;
  }

  /** An answer begins while a body comes, and may be refused: fills the slot for connections that have sent all. */
  prepare(): void {
    if (!this.#awaited || this.#stopped) return;
    this.#response.pause();
    this.#response.resume();
  }

  /** The client is not to send for now. The engine may still deliver what the kernel has received (megabytes). */
  stop(): void {
    this.#stopped = true;
    this.#wasStopped = true;
    this.#timed = false;
    this.#response.pause();
  }

  /** A refused write has made the engine read again. */
  stopAgain(): void {
    this.#response.pause();
  }

  go(): void {
    this.#stopped = false;
    this.#timed = true;
    this.#response.resume();
  }

  /** For as long as a write is tried, which must not be the last one on a connection that is not read. */
  open(): void {
    this.#response.resume();
  }

  /** From here on the engine's time-out watches a client that does not read; it stops by itself when that one does. */
  yieldTimeout(): void {
    this.#timed = false;
  }

  /** The client takes its answer again. */
  resumeTimeout(): void {
    this.#timed = this.#awaited && !this.#stopped;
  }

  /** Whether it was stopped at any time since this was asked before. */
  takeStopped(): boolean {
    const stopped = this.#stopped || this.#wasStopped;
    this.#wasStopped = false;
    return stopped;
  }

  /**
   * Puts off the engine's time-out when it is time: it cuts bodies below 16 KB/s, clients that were asked to pause, and
   * after a resume also exchanges that wait for upstream.
   * @param now monotonic milliseconds. @param yields whether the time-out watches something else, or nothing.
   * @param complete whether the response is complete but for the body that is kept behind it.
   */
  review(now: number, yields: boolean, complete: boolean): void {
    if (this.#postponedAt < 0) this.#postponedAt = now;
    if (now - this.#postponedAt < POSTPONE_MS) return;
    this.#postponedAt = now;
    const moved = this.#received > this.#receivedThen;
    this.#receivedThen = this.#received;
    if (!yields && this.#deservesTime(moved, complete)) this.postpone();
  }

  /** A body that stands still has no time unless there is a rate to keep; a client that was asked to pause always has. */
  #deservesTime(moved: boolean, complete: boolean): boolean {
    if (this.#stopped) return true;
    if (this.kept) return !complete;
    return this.#paced || moved || !this.#awaited;
  }

  /** Puts off the engine's time-out. */
  postpone(): void {
    if (this.#stopped) {
      // What still arrives behind a pause starts the time-out anew, and the client could do nothing against it.
      this.#response.resume();
      this.#response.pause();
    } else if (this.#timed) {
      this.#response.pause();
      this.#response.resume();
    }
  }
}
