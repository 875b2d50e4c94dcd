/** Lines of one kind in one window: enough to show a problem, too few to fill a disk. */
const LINES = 2;
/** Length of a window in milliseconds. */
const WINDOW_MS = 10_000;

/** Lets a bounded number of log lines of one kind through, and reports how many it left out. */
export class LineLimit {
  readonly #report: (leftOut: number) => void;
  #written = 0;
  #window: NodeJS.Timeout | undefined;

  /** @param report called at the end of a window that left lines out. */
  constructor(report: (leftOut: number) => void) {
    this.#report = report;
  }

  /** Whether one more line may be written now. */
  take(): boolean {
    // The first line opens the window, so no timer runs without lines.
    this.#window ??= setTimeout(() => this.#end(), WINDOW_MS).unref();
    this.#written += 1;
    return this.#written <= LINES;
  }

  #end(): void {
    const leftOut = this.#written - LINES;
    this.#written = 0;
    this.#window = undefined;
    if (leftOut > 0) this.#report(leftOut);
  }
}
