import type { Clock } from '../lib/clock.ts';
import { foreignText } from '../lib/foreign-text.ts';
import type { ConfigurationView } from './view.ts';

/** Faults that are kept of a configuration that was refused: more than a person mends at a time. */
const MAX_FAULTS = 100;
/** Characters of each: a sentence with a path. */
const MAX_FAULT_CHARACTERS = 1_000;

/** The first faults, each cut to a length that can be shown, and how many more there are. */
export function boundedFaults(faults: readonly string[]): readonly string[] {
  const kept = faults.slice(0, MAX_FAULTS).map((fault) => foreignText(fault, MAX_FAULT_CHARACTERS));
  const more = faults.length - kept.length;
  return more === 0 ? kept : [...kept, `and ${more} more`];
}

/** Which configuration is in force, and how the last reload ended. */
export class ReloadRecord {
  readonly #file: string | undefined;
  readonly #clock: Clock;
  #loadedAt: number;
  #last: ConfigurationView['lastReload'];

  /** @param file name of the file; undefined when the configuration is not from a file. */
  constructor(file: string | undefined, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#loadedAt = clock.wall();
  }

  get view(): ConfigurationView {
    return { file: this.#file, loadedAt: this.#loadedAt, lastReload: this.#last };
  }

  taken(): void {
    this.#loadedAt = this.#clock.wall();
    this.#last = { at: this.#loadedAt, ok: true, faults: [] };
  }

  refused(faults: readonly string[]): void {
    this.#last = { at: this.#clock.wall(), ok: false, faults: boundedFaults(faults) };
  }
}
