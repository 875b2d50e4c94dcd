interface Entry<T> {
  readonly value: T;
  /** The earliest and the latest time at which it may have held; monotonic milliseconds. */
  readonly since: number;
  until: number;
}

/** Entries that are kept: many more than the changes during one request. */
const MAX_ENTRIES = 32;

/**
 * A value that changes at an imprecise time, such as the configuration in force: between the signal and the log line
 * that confirms it, either may hold.
 */
export class History<T> {
  #entries: Entry<T>[];

  constructor(value: T) {
    this.#entries = [{ value, since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }];
  }

  get latest(): T {
    return (this.#entries.at(-1) as Entry<T>).value;
  }

  /** From now on this may hold. */
  begin(value: T): void {
    this.#entries.push({ value, since: performance.now(), until: Number.POSITIVE_INFINITY });
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
  }

  /** From now on only the latest holds. */
  settle(): void {
    const now = performance.now();
    for (const entry of this.#entries.slice(0, -1)) entry.until = Math.min(entry.until, now);
  }

  /** The values that may have held at any time between these. */
  between(from: number, to: number): readonly T[] {
    return this.#entries.filter(({ since, until }) => since <= to && until >= from).map(({ value }) => value);
  }
}
