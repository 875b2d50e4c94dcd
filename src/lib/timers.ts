/** The source of timers; tests let time pass by hand. */
export interface Timers {
  /** Calls `run` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    // A later refresh must not keep the process alive.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
