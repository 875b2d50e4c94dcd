/** A number that only grows. It is a plain field because the request path increments it. */
export class Counter {
  value = 0;
}

/** One observation of a bucket, by the trace in which it was made. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Wall-clock seconds. */
  readonly at: number;
}

/** Counts observations in buckets with the given ascending upper bounds, and in one bucket above them. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One count for each bound, and one for the bucket above; not cumulative. */
  readonly counts: number[];
  sum = 0;
  /** The last one of each bucket that was noted, or null; absent where none was. */
  exemplars?: (Exemplar | null)[];

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bucket = this.#bucketOf(value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }

  /** Keeps an observation that was counted as the example of its bucket. */
  note(exemplar: Exemplar): void {
    this.exemplars ??= new Array<Exemplar | null>(this.counts.length).fill(null);
    this.exemplars[this.#bucketOf(exemplar.value)] = exemplar;
  }

  #bucketOf(value: number): number {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1;
    return bucket;
  }
}

/** Counters by label, created on first use. The caller must bound the set of labels. */
export class CounterFamily {
  readonly members: Map<string, Counter> = new Map();

  of(label: string): Counter {
    let member = this.members.get(label);
    if (member === undefined) {
      member = new Counter();
      this.members.set(label, member);
    }
    return member;
  }
}
