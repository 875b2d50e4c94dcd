import type { EngineResponse } from './engine.ts';

/**
 * Whether the engine reads from the connection of one exchange. Its rules, found in its source: a pause takes the
 * socket out of the poll altogether, so that the end of a client is not seen either, and stops its time-out. What a
 * resume polls for is not kept with the connection, but in two slots of the thread, one for connections with bytes in
 * the engine's send buffer and one for others, each holding what the connection paused last was polled for. So a resume
 * may poll for too little (nothing, with a slot that was never filled), or also for room to write, which is harmless: it
 * starts a time-out of 10 s, as a resume does. A refused write polls for both, which ends a pause.
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

  constructor(response: EngineResponse) {
    this.#response = response;
  }

  /** The client has not sent all of its body. */
  get receiving(): boolean {
    return this.#awaited;
  }

  /** The client is kept from sending its body. */
  get pausing(): boolean {
    return this.#stopped;
  }

  /** The last byte of the body has come. */
  end(): void {
    this.#timed = false;
    this.#awaited = false;
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
