/** The median of several rounds, and their spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and extremes of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (index: number): number => {
    const value = sorted[index];
    if (value === undefined) throw new RangeError('no values to summarise');
    return value;
  };
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/**
 * Ratio to a baseline, round by round, then summarised: a disturbance of the machine affects both sides of one round,
 * and cancels out. A round in which either side has no value is left out; undefined when none is left.
 */
export function ratioOf(
  values: readonly (number | undefined)[],
  baseline: readonly (number | undefined)[],
): Spread | undefined {
  const ratios: number[] = [];
  for (const [round, value] of values.entries()) {
    const base = baseline[round];
    if (value !== undefined && base !== undefined && base > 0) ratios.push(value / base);
  }
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

/** The quantiles of a drawn distribution of latencies. */
export const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999] as const;

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** At each of `QUANTILES`. */
  readonly curve: readonly number[];
}

/** Width of a latency bucket in microseconds. */
const BUCKET_MICROS = 10;
/** One bucket for each 10 µs up to ten seconds, autocannon's own time-out; slower ones count in the last. */
const BUCKETS = 1_000_000;

/** Counts latencies in fixed buckets, so that recording one costs an increment. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;

  record(milliseconds: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.floor((milliseconds * 1000) / BUCKET_MICROS));
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
  }

  summary(): Latency {
    return {
      p50: this.quantile(0.5),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      curve: QUANTILES.map((share) => this.quantile(share)),
    };
  }

  /** Milliseconds, the upper edge of the bucket with the given share (0 to 1); 0 without any record. */
  quantile(share: number): number {
    const wanted = Math.ceil(share * this.#count);
    if (wanted === 0) return 0;
    let seen = 0;
    let bucket = 0;
    while (seen < wanted) {
      seen += this.#buckets[bucket] as number;
      bucket += 1;
    }
    return (bucket * BUCKET_MICROS) / 1000;
  }
}
