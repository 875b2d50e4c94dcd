import assert from 'node:assert/strict';
import type { Examined, Target } from '../../../../support/fuzz/fuzz.ts';
import { mutateBytes } from '../../../../support/fuzz/mutate.ts';
import type { Random } from '../../../../support/fuzz/random.ts';
import { agree } from './agreement.ts';
import { type Input, tokens } from './input.ts';
import { type Outcome, play } from './player.ts';

function behaviourOf({ messages, resets, end }: Outcome): string {
  const kinds = messages.map(({ fault, complete, aborted, body, fields }) =>
    [fault, complete, aborted, body !== '', fields !== ''].join(),
  );
  return [...kinds.slice(0, 3), messages.length > 3, ...resets.slice(0, 2), end].join(' ');
}

/** Plays an input whole, in random pieces and byte by byte. */
async function outcomeOf(random: Random, { bytes }: Input): Promise<Outcome> {
  const outcome = await play([bytes]);
  const places = Array.from({ length: 1 + random.below(6) }, () => random.below(bytes.length + 1));
  places.sort((left, right) => left - right);
  const pieces = [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length));
  assert.deepEqual(await play(pieces), outcome, `cut at ${places}`);
  const each = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(await play(each), outcome, 'byte by byte');
  return outcome;
}

/** The connection of HTTP/2, beside nghttp2. */
export const connections: Target<Input> = {
  mutate: (random, input, other) => ({ bytes: mutateBytes(random, input.bytes, other.bytes, tokens) }),
  examine: async (random, input): Promise<Examined> => {
    const outcome = await outcomeOf(random, input);
    const { messages, resets, end } = outcome;
    const isClean = end === undefined && resets.length === 0;
    const carried =
      isClean &&
      messages.length > 0 &&
      messages.every(({ fault, complete, aborted }) => fault === undefined && complete && !aborted);
    if (carried) await agree(input.bytes, outcome);
    return { carried, behaviour: behaviourOf(outcome), difference: undefined };
  },
};
