import type { Random } from './random.ts';

/** Bytes of the longest input: room for several heads, and short enough to be quick. */
const MAX_INPUT = 4096;
/** Changes made to one input at most. */
const MAX_CHANGES = 4;

/** A part of the bytes, empty or up to all of them. */
function part(random: Random, bytes: Buffer): Buffer {
  const from = random.below(bytes.length + 1);
  return bytes.subarray(from, from + random.below(bytes.length - from + 1));
}

function change(random: Random, bytes: Buffer, other: Buffer, tokens: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.below(8)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      return copy;
    }
    case 1:
      return Buffer.concat([before, Buffer.of(random.below(256)), behind.subarray(1)]);
    case 2:
      return Buffer.concat([before, random.pick(tokens), behind]);
    case 3:
      return Buffer.concat([before, random.pick(tokens), behind.subarray(1 + random.below(16))]);
    case 4:
      return Buffer.concat([before, behind.subarray(1 + random.below(16))]);
    case 5:
      return before;
    case 6:
      return Buffer.concat([before, part(random, other), behind]);
    default:
      return Buffer.concat([before, part(random, bytes), behind]);
  }
}

/**
 * Bytes made from these two, which stay as they are.
 * @param tokens what is likely to matter to the reader of the bytes.
 */
export function mutateBytes(random: Random, bytes: Buffer, other: Buffer, tokens: readonly Buffer[]): Buffer {
  let made = bytes;
  for (let changes = 1 + random.below(MAX_CHANGES); changes > 0; changes -= 1) {
    made = change(random, made, other, tokens);
  }
  return Buffer.from(made.subarray(0, MAX_INPUT));
}

/** Each text, in latin1, as a token. */
export function tokensOf(texts: readonly string[]): readonly Buffer[] {
  return texts.map((text) => Buffer.from(text, 'latin1'));
}
