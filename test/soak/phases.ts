import type { Chance } from './chance.ts';
import type { Disturbance } from './disturbances.ts';
import type { Span } from './memory.ts';
import { overTls } from './soaked.ts';

const renewing: readonly Disturbance[] = overTls ? ['renewal', 'bad renewal'] : [];

/** Each of these before any is repeated. Before the first quiet moment, in which no worker must be killed or replaced. */
export const warmingUp: readonly Disturbance[] = [
  ...renewing,
  'reload',
  'rotation by reload',
  'revocation',
  'bad reload',
];

const always: readonly Disturbance[] = [
  ...renewing,
  'reload',
  'reload',
  'bad reload',
  'rotation by reload',
  'rotation by request',
  'revocation',
  'revocation',
  'issuer outage',
  'upstream restart',
  'upstream restart',
  'listener kill',
];
const rolling: readonly Disturbance[] = ['roll', 'roll and reload'];

/**
 * The part of a soak in which one worker is left alone, so that its memory can be judged: most of the last half. Before
 * it and after it, all are replaced now and then.
 */
export function calmOf(seconds: number): Span {
  return { from: seconds * 0.5, to: seconds * 0.88 };
}

/** Disturbances in random order, each equally often. */
export class Deck {
  readonly #chance: Chance;
  #left: Disturbance[] = [];
  #wasCalm = true;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  next(isCalm: boolean): Disturbance {
    if (this.#left.length === 0 || (this.#wasCalm && !isCalm)) {
      this.#left = this.#chance.shuffled(isCalm ? always : [...always, ...rolling]);
      // Too few moments are left for a whole round: missing ones come first.
      if (this.#wasCalm && !isCalm) this.#left.push(this.#chance.of(rolling));
    }
    this.#wasCalm = isCalm;
    if (isCalm) this.#left = this.#left.filter((one) => !rolling.includes(one));
    return this.#left.pop() ?? 'reload';
  }
}
