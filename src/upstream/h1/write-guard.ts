/** The callback of a write of a stream. */
export type Done = (error?: Error | null) => void;

/** Errors of a write: upstream has closed the connection while our bytes were on their way. */
const goneCodes: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/** Keeps the failed write of a socket from its stream, which would end and not read on. */
export class WriteGuard {
  /** Upstream takes no bytes any more; further written bytes would only fill memory. */
  failed = false;
  /** It had not ended its side before. */
  wasReset = false;
  /** The stream passes the same function to all writes except joined ones, so one wrapper is enough. */
  #done: Done | undefined = undefined;
  #guarded: Done = () => {};

  /** The callback for the write in place of `done`. */
  wrap(done: Done): Done {
    if (done !== this.#done) {
      this.#done = done;
      this.#guarded = (error) => {
        // Calling `done` would end the stream. Without the call the stream goes on.
        if (goneCodes.has((error as NodeJS.ErrnoException | null)?.code)) {
          this.failed = true;
          this.note(error);
        } else done(error);
      };
    }
    return this.#guarded;
  }

  /**
   * Takes note of the error of a write. The system tells a reset once, to the first call that asks; behind the end of the
   * peer's side it tells EPIPE.
   */
  note(error: unknown): void {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ECONNRESET') this.wasReset = true;
  }
}
