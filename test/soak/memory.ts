import { slopeOf, type Watch } from './watch.ts';

/**
 * MiB by which a process's live memory may grow over the span in which it is judged. Garbage is not in it, and bodies in
 * flight, of which the largest have 8 MiB, come and go. This finds a leak of (bound / requests in the span) per request:
 * 2 KiB in a soak of one minute, whose span has some 4,000 requests for each worker, and 50 bytes in one of thirty
 * minutes, with 150,000.
 */
const LIVE_MIB = 8;

/**
 * MiB by which all pages of a process may grow: a leak of native code shows in these alone. V8 and malloc keep pages that
 * they have once taken, and ever more of them while megabytes of bodies pass. None of that depends on how long the process
 * runs, so neither does this bound.
 */
const RESIDENT_MIB = 32;

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Judged {
  readonly name: string;
  readonly pid: number;
  /** Seconds since the soak began. */
  readonly span: Span;
}

export interface MemoryVerdict {
  readonly lines: readonly string[];
  readonly faults: readonly string[];
}

const figures = [
  ['live', LIVE_MIB],
  ['resident', RESIDENT_MIB],
] as const;

/** The growth of one process; faults where it is too much, or unknown. */
export function memoryOf(watch: Watch, { name, pid, span }: Judged): MemoryVerdict {
  const judged = watch.between(pid, span.from, span.to);
  if (judged === undefined) {
    return { lines: [], faults: [`${name} did not live long enough for its memory to be judged`] };
  }
  const samples = watch.samples.get(pid) ?? [];
  const seconds = `from second ${span.from.toFixed(0)} to ${span.to.toFixed(0)}`;
  const found = figures.map(([figure, most]) => {
    const shown = [samples[0], samples[samples.length >> 1], samples.at(-1)].map((sample) =>
      (sample?.[figure] ?? 0).toFixed(0),
    );
    const grown = slopeOf(judged, figure) * (span.to - span.from);
    const line = `${name.padEnd(12)} ${figure.padEnd(8)} ${shown.join(' → ')} MiB at its start, half and end; ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MiB ${seconds}, at most ${most}`;
    return {
      line,
      fault: grown > most ? `${name} grew by ${grown.toFixed(1)} MiB (${figure}) ${seconds}` : [],
    };
  });
  return { lines: found.map(({ line }) => line), faults: found.flatMap(({ fault }) => fault) };
}
