import assert from 'node:assert/strict';
import type { Examined, Target } from '../../../../support/fuzz/fuzz.ts';
import { mutateBytes } from '../../../../support/fuzz/mutate.ts';
import type { Random } from '../../../../support/fuzz/random.ts';
import { agree } from '../agreement.ts';
import { cut, type Outcome, Player, usualLimits } from '../request-player.ts';
import type { Input } from './input.ts';
import { tokens } from './tokens.ts';

/** The usual limits, which come first, and others that most heads exceed. */
const limits = [usualLimits, { requestHead: 90, headerFields: 3 }] as const;

function behaviourOf({ messages, fault, begun }: Outcome): string {
  const kinds = messages.map(({ framing, close, complete, trailers, targetScheme, expectsContinue }) =>
    [framing.split(' ', 1), close, complete, trailers !== '', targetScheme, expectsContinue].join(),
  );
  return [...kinds.slice(0, 3), messages.length > 3, fault, begun].join(' ');
}

/** Plays an input whole, in random pieces, byte by byte, and to a reader that has read `before`. */
function outcomeOf(random: Random, { bytes }: Input, before: Input): Outcome {
  const [usual] = limits.map((limit) => {
    const player = new Player();
    const outcome = player.play([bytes], limit);
    const places = Array.from({ length: 1 + random.below(6) }, () => random.below(bytes.length + 1));
    places.sort((left, right) => left - right);
    assert.deepEqual(player.play(cut(bytes, places), limit), outcome, `cut at ${places}`);
    const each = Array.from(bytes, (_, at) => at);
    assert.deepEqual(player.play(cut(bytes, each), limit), outcome, 'byte by byte');
    const reader = player.reader(limit);
    const first = player.play([before.bytes, before.bytes, before.bytes], limit, reader);
    // Empty lines and a part of a request count for the next one.
    const isBetween = first.messages.at(-1)?.end === 3 * before.bytes.length;
    if (isBetween) assert.deepEqual(player.play([bytes], limit, reader), outcome, 'after other requests');
    return outcome;
  });
  return usual as Outcome;
}

/** The reader of requests, beside llhttp. */
export const requests: Target<Input> = {
  mutate: (random, input, other) => ({ bytes: mutateBytes(random, input.bytes, other.bytes, tokens) }),
  examine: async (random, input, before): Promise<Examined> => {
    const outcome = outcomeOf(random, input, before);
    await agree(input.bytes, outcome);
    return {
      carried: outcome.messages.some(({ complete }) => complete),
      behaviour: behaviourOf(outcome),
      difference: undefined,
    };
  },
};
