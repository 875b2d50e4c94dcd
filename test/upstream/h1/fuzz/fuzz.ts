import { agree } from './agreement.ts';
import { examine } from './examine.ts';
import type { Input } from './input.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

export interface Failure {
  readonly input: Input;
  readonly error: unknown;
}

export interface FuzzReport {
  readonly runs: number;
  /** Inputs that were a whole message for the gateway, and for llhttp unless a difference is deliberate. */
  readonly carried: number;
  /** Inputs that showed a behaviour for the first time. */
  readonly found: readonly Input[];
  /** Number of different behaviours, those of the first inputs included. */
  readonly behaviours: number;
  /** Occurrences of each deliberate difference from llhttp. */
  readonly differences: ReadonlyMap<string, number>;
  readonly failure: Failure | undefined;
}

/**
 * Mutates inputs, and in turn those that showed a new behaviour: guided by outcome, not by coverage. The same seed and
 * the same first inputs make the same inputs in the same order. Stops at the first failure, or when `more` returns
 * false.
 */
export async function fuzz(
  first: readonly Input[],
  seed: number,
  more: (runs: number) => boolean,
): Promise<FuzzReport> {
  const random = new Random(seed);
  const pool = [...first];
  const behaviours = new Set<string>();
  const differences = new Map<string, number>();
  const found: Input[] = [];
  let runs = 0;
  let carried = 0;
  const report = (failure?: Failure): FuzzReport => ({
    runs,
    carried,
    found,
    behaviours: behaviours.size,
    differences,
    failure,
  });
  for (; runs < first.length || more(runs); runs += 1) {
    // Half of them from the first inputs: found inputs are mostly refused, and refused early.
    const parent = first[runs] ?? random.pick(random.below(2) === 0 ? first : pool);
    const input = runs < first.length ? parent : mutate(random, parent, random.pick(pool));
    try {
      const { outcome, behaviour } = examine(random, input, parent.bytes);
      const difference = await agree(input, outcome);
      if (difference !== undefined) differences.set(difference, (differences.get(difference) ?? 0) + 1);
      if (outcome.complete) carried += 1;
      if (behaviours.has(behaviour)) continue;
      behaviours.add(behaviour);
      if (runs < first.length) continue;
      pool.push(input);
      found.push(input);
    } catch (error) {
      return report({ input, error });
    }
  }
  return report();
}
