/** A number that only grows. It is a plain field because the request path increments it. */
export class Counter {
  value = 0;
}

/** Counts observations in buckets with the given ascending upper bounds, and in one bucket above them. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One count for each bound, and one for the bucket above; not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
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
