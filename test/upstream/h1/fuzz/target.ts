import type { Target } from '../../../support/fuzz/fuzz.ts';
import { agree } from './agreement.ts';
import { examine } from './examine.ts';
import type { Input } from './input.ts';
import { mutate } from './mutate.ts';

/** The parser of responses, beside llhttp. */
export const responses: Target<Input> = {
  mutate,
  examine: async (random, input, before) => {
    const { outcome, behaviour } = examine(random, input, before.bytes);
    return { carried: outcome.complete, behaviour, difference: await agree(input, outcome) };
  },
};
