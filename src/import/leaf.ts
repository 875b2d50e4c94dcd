import type { Outcome } from './walk.ts';

/** A way through the rules: the values of its atoms, and where it ends. */
export interface Leaf {
  readonly known: ReadonlyMap<string, boolean>;
  readonly outcome: Outcome;
}
