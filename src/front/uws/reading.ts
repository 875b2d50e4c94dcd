import type { EngineResponse } from './engine.ts';

/** Milliseconds between two postponements of the engine's time-out, which runs for at least 8 s. */
const POSTPONE_MS = 4_000;

/**
 * Controls how the engine reads one request body. The engine's source has these rules. A pause takes the socket out of
 * the poll, so the engine does not notice when the client leaves either, and stops the time-out. The events that a resume
 * polls for are not kept with the connection but in two slots of the thread: one for connections with bytes in the
 * engine's send buffer, one for all others. Each slot holds the poll events of the connection that was paused last. So a
 * resume may poll for too little: for nothing, if the slot was never filled. Or it may poll for room to write as well,
 * which is harmless: that starts a time-out of 10 s, and so does a resume. A refused write polls for both directions,
 * which ends a pause.
 */
export class Reading {
  readonly #response: EngineResponse;
  #stopped = false;
  /** Stopped at some time since the last `takeStopped`. */
  #wasStopped = false;
  /** The engine's time-out of about 10 s runs although no response bytes wait for the client. */
  #timed = true;
  /** Bytes of the request body may still arrive. */
  #awaited = true;
  #received = 0;
  /** Bytes received at the last postponement. */
  #receivedThen = 0;
  /** Monotonic milliseconds; -1 before the first review. */
  #postponedAt = -1;
  readonly #paced: boolean;
  /** Bytes that wait for upstream, or -1 unless `keep` was called. */
  #held = -1;

  /** @param paced the exchange ends a body that arrives too slowly. */
  constructor(response: EngineResponse, paced: boolean) {
    this.#response = response;
    this.#paced = paced;
  }

  /** Bytes of the body that have arrived. */
  get received(): number {
    return this.#received;
  }

  /** The client has not sent all of its body. */
  get receiving(): boolean {
    return this.#awaited;
  }

  /** The engine does not read the client's body. */
  get pausing(): boolean {
    return this.#stopped;
  }

  /** The next bytes of the body have arrived. @param last the body is complete. */
  take(bytes: number, last: boolean): void {
    this.#received += bytes;
    if (!last) return;
    this.#timed = false;
    this.#awaited = false;
  }

  /** The exchange needs the body even after the end of the response. @param held bytes of it that wait for upstream. */
  keep(held: number): void {
    this.#held = held;
  }

  /** See `keep`. */
  get kept(): boolean {
    return this.#held >= 0;
  }

  /** Bytes of a kept body that upstream has not taken. @param length bytes of the whole body. */
  untaken(length: number): number {
    return length - this.#received + this.#held;
  }

  /**
   * Called when a response begins. A write may be refused while the body still arrives: so this fills the slot for
   * connections without bytes in the send buffer.
   */
  prepare(): void {
    if (!this.#awaited || this.#stopped) return;
    this.#response.pause();
    this.#response.resume();
  }

  /** Stops reading. The engine may still deliver the bytes that the kernel has received (megabytes). */
  stop(): void {
    this.#stopped = true;
    this.#wasStopped = true;
    this.#timed = false;
    this.#response.pause();
  }

  /** Pauses again: a refused write has made the engine read. */
  stopAgain(): void {
    this.#response.pause();
  }

  go(): void {
    this.#stopped = false;
    this.#timed = true;
    this.#response.resume();
  }

  /** Lets the engine read while a write is tried: the last write must not happen on a paused connection. */
  open(): void {
    this.#response.resume();
  }

  /** The engine's time-out now watches whether the client reads; the engine stops it when the client does. */
  yieldTimeout(): void {
    this.#timed = false;
  }

  /** The client takes the response again. */
  resumeTimeout(): void {
    this.#timed = this.#awaited && !this.#stopped;
  }

  /** Whether reading was stopped at any time since the last call. */
  takeStopped(): boolean {
    const stopped = this.#stopped || this.#wasStopped;
    this.#wasStopped = false;
    return stopped;
  }

  /**
   * Postpones the engine's time-out when that is due. The time-out would cut bodies below 16 KB/s, paused clients, and
   * after a resume also exchanges that wait for upstream.
   * @param now monotonic milliseconds. @param yields the time-out watches the response, or nothing.
   * @param complete the response is written, and only the kept body is missing.
   */
  review(now: number, yields: boolean, complete: boolean): void {
    if (this.#postponedAt < 0) this.#postponedAt = now;
    if (now - this.#postponedAt < POSTPONE_MS) return;
    this.#postponedAt = now;
    const moved = this.#received > this.#receivedThen;
    this.#receivedThen = this.#received;
    if (!yields && this.#deservesTime(moved, complete)) this.postpone();
  }

  /** A paused client always gets more time. A body that stands still gets none, unless a minimum rate guards it. */
  #deservesTime(moved: boolean, complete: boolean): boolean {
    if (this.#stopped) return true;
    if (this.kept) return !complete;
    return this.#paced || moved || !this.#awaited;
  }

  /** Postpones the engine's time-out. */
  postpone(): void {
    if (this.#stopped) {
      // Bytes that still arrive after a pause start the time-out again, and the client could not prevent its end.
      this.#response.resume();
      this.#response.pause();
    } else if (this.#timed) {
      this.#response.pause();
      this.#response.resume();
    }
  }
}
