import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { HistogramFigures } from './figures.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Described {
  readonly name: string;
  readonly help: string;
  readonly registers: Registry[];
}

export const unlabelled = (value: number): Sample[] => [{ labels: {}, value }];

/** A counter whose total is kept elsewhere and copied when the registry is rendered. */
export function copiedCounter(
  described: Described,
  labelNames: string[],
  read: () => Iterable<Sample>,
): void {
  new Counter({
    ...described,
    labelNames,
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}

export function copiedGauge(described: Described, labelNames: string[], read: () => Iterable<Sample>): void {
  new Gauge({
    ...described,
    labelNames,
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.set(labels, value);
    },
  });
}

/**
 * A histogram whose buckets are kept elsewhere. prom-client can only observe single values, so this class makes the
 * samples for a rendering. The buckets of prom-client are cumulative and end with `+Inf`; ours are not.
 */
export class CopiedHistogram extends Histogram {
  readonly #described: Described;
  readonly #read: () => readonly LabelledHistogram[];

  constructor(described: Described, read: () => readonly LabelledHistogram[]) {
    super(described);
    this.#described = described;
    this.#read = read;
  }

  async getForPromString(): Promise<object> {
    const { name, help } = this.#described;
    const values = this.#read().flatMap(({ labels, figures }) => samplesOf(name, labels, figures));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

interface LabelledHistogram {
  readonly labels: Readonly<Record<string, string>>;
  readonly figures: HistogramFigures;
}

function samplesOf(
  name: string,
  labels: LabelledHistogram['labels'],
  { bounds, counts, sum, exemplars }: HistogramFigures,
): object[] {
  let count = 0;
  const buckets = counts.map((inBucket, index) => {
    count += inBucket;
    const exemplar = exemplars?.[index] ?? undefined;
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bounds[index] ?? '+Inf' },
      value: count,
      ...(exemplar === undefined
        ? {}
        : {
            exemplar: {
              labelSet: { trace_id: exemplar.traceId },
              value: exemplar.value,
              timestamp: exemplar.at,
            },
          }),
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

export const alone = (figures: HistogramFigures): LabelledHistogram[] => [{ labels: {}, figures }];
