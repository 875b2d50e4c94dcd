import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What one process held at one moment. */
export interface Sample {
  /** Seconds since the soak began. */
  readonly at: number;
  readonly residentMiB: number;
}

/** Resident memory of processes, over time. */
export class Watch {
  readonly samples = new Map<number, Sample[]>();

  look(at: number, pids: readonly number[]): void {
    for (const pid of pids) {
      const residentMiB = residentOf(pid);
      if (residentMiB === undefined) continue; // It has just ended.
      const samples = this.samples.get(pid) ?? [];
      samples.push({ at, residentMiB });
      this.samples.set(pid, samples);
    }
  }

  /**
   * MiB by which a process grew from `from` to `to`, by the median of the slopes between its samples (Theil–Sen), which
   * a single large body does not move; undefined for one that did not live that long.
   */
  growth(pid: number, from: number, to: number): number | undefined {
    const samples = (this.samples.get(pid) ?? []).filter(({ at }) => at >= from && at <= to);
    const [first] = samples;
    const last = samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < (to - from) * 0.9) return undefined;
    // Some hundred samples give as good a median as some thousand.
    const step = Math.ceil(samples.length / 300);
    const some = samples.filter((_, index) => index % step === 0);
    const slopes = some.flatMap((a, index) =>
      some.slice(index + 1).map((b) => (b.residentMiB - a.residentMiB) / (b.at - a.at)),
    );
    slopes.sort((a, b) => a - b);
    return (slopes[slopes.length >> 1] ?? 0) * (to - from);
  }
}

function residentOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** Open sockets of a process. */
export function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // Closed since it was listed.
    }
  }).length;
}
