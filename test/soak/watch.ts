import { readFileSync } from 'node:fs';

/** The figures of one process at one moment. */
export interface Sample {
  /** Seconds since the soak began. */
  readonly at: number;
  readonly mib: number;
}

/** Samples for slopes: some hundred give as good a median as some thousand. */
const MAX_SAMPLES = 300;

/** Resident memory of processes over time. */
export class Watch {
  readonly samples = new Map<number, Sample[]>();

  sample(at: number, pids: readonly number[]): void {
    for (const pid of pids) {
      const mib = residentOf(pid);
      if (mib === undefined) continue; // It has just ended.
      const samples = this.samples.get(pid) ?? [];
      samples.push({ at, mib });
      this.samples.set(pid, samples);
    }
  }

  /** Samples of a process from one time to another; undefined when it did not live that long. */
  between(pid: number, from: number, to: number): readonly Sample[] | undefined {
    const samples = (this.samples.get(pid) ?? []).filter(({ at }) => at >= from && at <= to);
    const [first] = samples;
    const last = samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return last.at - first.at < (to - from) * 0.9 ? undefined : samples;
  }
}

/**
 * MiB per second by which it grows: the median of the slopes between all pairs of samples (Theil–Sen), which no single
 * large body and no single collection moves.
 */
export function slopeOf(samples: readonly Sample[]): number {
  const step = Math.ceil(samples.length / MAX_SAMPLES);
  const some = samples.filter((_, index) => index % step === 0);
  const slopes = some.flatMap((a, index) =>
    some.slice(index + 1).map((b) => (b.mib - a.mib) / (b.at - a.at)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}

function residentOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
