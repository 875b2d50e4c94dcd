import { slopeOf, type Watch } from './watch.ts';

/**
 * MiB by which a process may grow over the span in which it is judged. V8 keeps memory it has once taken: its new space
 * has room for three times 16 MiB, of which it takes ever more while megabytes of bodies pass, and malloc keeps freed
 * pieces. None of that depends on how long the process runs, so neither does this bound. It finds a leak of (bound /
 * requests in the span) per request: 2 KiB in a soak of two minutes, whose span has some 15,000 requests for each
 * worker, and 150 bytes in one of thirty minutes, with 200,000.
 */
const GROWTH_MIB = 32;

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

export interface MemoryLine {
  readonly text: string;
  readonly fault: string | undefined;
}

/** The growth of one process; a fault when it is too much, or unknown. */
export function memoryOf(watch: Watch, { name, pid, span }: Judged): MemoryLine {
  const samples = watch.samples.get(pid) ?? [];
  const shown = [samples[0], samples[samples.length >> 1], samples.at(-1)].map((sample) =>
    (sample?.mib ?? 0).toFixed(0),
  );
  const text = `${name.padEnd(12)} ${shown.join(' → ')} MiB at its start, half and end`;
  const judged = watch.between(pid, span.from, span.to);
  if (judged === undefined) {
    return { text, fault: `${name} did not live long enough for its memory to be judged` };
  }
  const grown = slopeOf(judged) * (span.to - span.from);
  const seconds = `from second ${span.from.toFixed(0)} to ${span.to.toFixed(0)}`;
  return {
    text: `${text}; ${grown >= 0 ? '+' : ''}${grown.toFixed(1)} MiB ${seconds}, at most ${GROWTH_MIB}`,
    fault: grown > GROWTH_MIB ? `${name} grew by ${grown.toFixed(1)} MiB ${seconds}` : undefined,
  };
}
