import type { Metrics } from './admin.ts';
import type { Ledger } from './ledger.ts';

/**
 * Compares the gateway's counts with those of its clients: only requests that a killed worker lost may be missing, and
 * none may be counted that no client sent; in all, and for each outcome.
 * @returns the differences.
 */
export function countFaults(ledger: Ledger, metrics: Metrics): readonly string[] {
  const counted = metrics.by('portcullis_requests_total', 'outcome');
  const { lost } = ledger;
  const faults: string[] = [];
  const check = (what: string, count: number, certain: number, possible: number): void => {
    if (count >= certain - lost && count <= possible) return;
    faults.push(
      `the gateway counts ${count} ${what}, its clients at least ${certain - lost} and at most ${possible}`,
    );
  };
  const sums = [...ledger.counts].map(([key, sum]) => ({ outcomes: key.split(' '), ...sum }));
  const all = sumsOf(sums);
  check('requests', sumOf([...counted.values()]), all.certain, all.possible);
  for (const outcome of new Set([...counted.keys(), ...sums.flatMap(({ outcomes }) => outcomes)])) {
    if (outcome === '' || outcome === 'none') continue;
    const possible = sumsOf(
      sums.filter(({ outcomes }) => outcomes.includes(outcome) || outcomes[0] === ''),
    ).possible;
    const { certain } = sumsOf(
      sums.filter(({ outcomes }) => outcomes.length === 1 && outcomes[0] === outcome),
    );
    check(`of ${outcome}`, counted.get(outcome) ?? 0, certain, possible);
  }
  return faults;
}

interface Sums {
  readonly certain: number;
  readonly possible: number;
}

function sumsOf(list: readonly Sums[]): Sums {
  return {
    certain: sumOf(list.map(({ certain }) => certain)),
    possible: sumOf(list.map(({ possible }) => possible)),
  };
}

const sumOf = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0);
