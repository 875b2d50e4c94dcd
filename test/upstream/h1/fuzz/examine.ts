import assert from 'node:assert/strict';
import type { Random } from '../../../support/fuzz/random.ts';
import { cut, Player } from '../response-player.ts';
import type { Outcome } from '../response-row.ts';
import type { Input } from './input.ts';

/** Head limits in bytes: the usual one, which comes first, and one that most heads exceed. */
const limits = [65_536, 150] as const;

/** The result of one input. */
export interface Examined {
  readonly outcome: Outcome;
  /** Two inputs of one behaviour came to the same kind of end by the same kind of bytes. */
  readonly behaviour: string;
}

function kindOf(byte: number | undefined): string {
  if (byte === undefined) return 'none';
  const character = String.fromCharCode(byte);
  if (/[\r\n\t\0 :;,"+_-]/.test(character)) return JSON.stringify(character);
  if (/[0-9]/.test(character)) return 'digit';
  if (/[A-Fa-f]/.test(character)) return 'hex';
  if (/[G-Zg-z]/.test(character)) return 'letter';
  if (byte >= 0x80) return 'high';
  return byte < 0x20 || byte === 0x7f ? 'control' : 'mark';
}

function behaviourOf(outcome: Outcome, bytes: Buffer, stop: number): string {
  const { fault, framing, complete, keepAlive, excess, status } = outcome;
  const end = fault === undefined ? [keepAlive, excess !== ''] : [kindOf(bytes[stop])];
  return [fault, status?.[0], framing, complete, ...end].join(' ');
}

/**
 * Plays an input whole, in random pieces, byte by byte, and to parsers whose memo holds its own head or that of
 * `before`; throws when the results differ, or when the player finds a rule broken.
 */
export function examine(random: Random, { method, bytes }: Input, before: Buffer): Examined {
  const options = { method, eof: true };
  let examined: Examined | undefined;
  for (const limit of limits) {
    const player = new Player(limit);
    const outcome = player.play([bytes], options);
    assert.deepEqual(player.play([bytes], options), outcome, 'whole once more');
    const places = Array.from({ length: 1 + random.below(6) }, () => random.below(bytes.length + 1));
    places.sort((left, right) => left - right);
    assert.deepEqual(player.play(cut(bytes, places), options), outcome, `cut at ${places}`);
    const each = Array.from({ length: bytes.length }, (_, at) => at);
    assert.deepEqual(player.play(cut(bytes, each), options), outcome, 'byte by byte');
    // The first of the pieces is empty.
    const stop = player.pushes - 2;
    const warm = new Player(limit);
    warm.play([before], options);
    assert.deepEqual(warm.play([bytes], options), outcome, 'behind another message');
    examined ??= { outcome, behaviour: behaviourOf(outcome, bytes, stop) };
  }
  return examined as Examined;
}
