import { Random } from './random.ts';

/** What one input came to. */
export interface Examined {
  /** A whole message came through. */
  readonly carried: boolean;
  /** Two inputs of one behaviour came to the same kind of end by the same kind of bytes. */
  readonly behaviour: string;
  /** The name of a deliberate difference between our parser and another one. */
  readonly difference: string | undefined;
}

/** What is fuzzed. */
export interface Target<Input> {
  /** An input made from these two, which stay as they are. */
  mutate(random: Random, input: Input, other: Input): Input;
  /** Rejects when the input breaks a rule. @param before another input, which the same parser may have seen before. */
  examine(random: Random, input: Input, before: Input): Promise<Examined>;
}

export interface Failure<Input> {
  readonly input: Input;
  readonly error: unknown;
}

export interface FuzzReport<Input> {
  readonly runs: number;
  /** Inputs that were a whole message for us, and for the other parser if no difference says otherwise. */
  readonly carried: number;
  /** Inputs that showed a behaviour none before them had. */
  readonly found: readonly Input[];
  /** How many different behaviours were seen, those of the first inputs included. */
  readonly behaviours: number;
  /** How often each deliberate difference was met. */
  readonly differences: ReadonlyMap<string, number>;
  readonly failure: Failure<Input> | undefined;
}

/** Examines kept inputs, each after the one before it. Rejects with the name of one that breaks a rule. @param first before the first. */
export async function examineKept<Input>(
  target: Target<Input>,
  kept: readonly (Input & { readonly name: string })[],
  first: Input,
): Promise<void> {
  const random = new Random(1);
  let before = first;
  for (const { name, ...rest } of kept) {
    const input = rest as unknown as Input;
    try {
      await target.examine(random, input, before);
    } catch (cause) {
      throw new Error(name, { cause });
    }
    before = input;
  }
}

/**
 * Mutates inputs, and again those that showed a new behaviour: guided by outcome, not by coverage. The same seed and
 * the same first inputs make the same inputs in the same order. Stops at the first failure, or when `more` says so.
 */
export async function fuzz<Input>(
  target: Target<Input>,
  first: readonly Input[],
  seed: number,
  more: (runs: number) => boolean,
): Promise<FuzzReport<Input>> {
  const random = new Random(seed);
  const pool = [...first];
  const behaviours = new Set<string>();
  const differences = new Map<string, number>();
  const found: Input[] = [];
  let runs = 0;
  let carried = 0;
  const report = (failure?: Failure<Input>): FuzzReport<Input> => ({
    runs,
    carried,
    found,
    behaviours: behaviours.size,
    differences,
    failure,
  });
  for (; runs < first.length || more(runs); runs += 1) {
    // Half of them from the first inputs: what is found is mostly refused, and refused early.
    const parent = first[runs] ?? random.pick(random.below(2) === 0 ? first : pool);
    const input = runs < first.length ? parent : target.mutate(random, parent, random.pick(pool));
    try {
      const examined = await target.examine(random, input, parent);
      const { difference, behaviour } = examined;
      if (difference !== undefined) differences.set(difference, (differences.get(difference) ?? 0) + 1);
      if (examined.carried) carried += 1;
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
