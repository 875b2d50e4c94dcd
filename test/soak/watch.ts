import type { MemoryReading } from './memory-reading.ts';

/** The figures of one process at one moment. */
export interface Sample extends MemoryReading {
  /** Seconds since the soak began. */
  readonly at: number;
}

/** Samples for slopes: some hundred give as good a median as some thousand. */
const MAX_SAMPLES = 300;

/** The memory of processes over time. */
export class Watch {
  readonly samples = new Map<number, Sample[]>();

  note(pid: number, sample: Sample): void {
    const samples = this.samples.get(pid) ?? [];
    samples.push(sample);
    this.samples.set(pid, samples);
  }

  /** Samples of a process from one time to another; undefined when it did not live that long. */
  between(pid: number, from: number, to: number): readonly Sample[] | undefined {
    const samples = (this.samples.get(pid) ?? []).filter(({ at }) => at >= from && at <= to);
    const [first] = samples;
    const last = samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return last.at - first.at < (to - from) * 0.85 ? undefined : samples;
  }
}

/**
 * Units per second by which a figure grows: the median of the slopes between all pairs of samples (Theil–Sen), which no
 * single large body moves.
 */
export function slopeOf(samples: readonly Sample[], figure: keyof MemoryReading): number {
  const step = Math.ceil(samples.length / MAX_SAMPLES);
  const some = samples.filter((_, index) => index % step === 0);
  const slopes = some.flatMap((a, index) =>
    some.slice(index + 1).map((b) => (b[figure] - a[figure]) / (b.at - a.at)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}
