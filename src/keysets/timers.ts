/** What waits, so that tests can let time pass by hand. */
export interface Timers {
  /** Calls `run` once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    // A refresh to come is no reason for a process to stay.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
