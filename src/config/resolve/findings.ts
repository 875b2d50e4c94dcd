import { type Fault, type KeyPath, MAX_FAULTS } from '../fault.ts';
import type { Validated } from '../schema/validate.ts';
import type { Source } from '../source/source.ts';

/** What the steps of resolving share: where faults and warnings go, and what is already known to be wrong. */
export class Findings {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #source: Source;
  readonly #validated: Validated;

  constructor(source: Source, validated: Validated) {
    this.#source = source;
    this.#validated = validated;
  }

  /** Beyond what is shown a fault is worth one that makes the file refused, and no more time. */
  fault(path: KeyPath, message: string, at: 'value' | 'key' = 'value'): void {
    if (this.faults.length > MAX_FAULTS) return;
    this.faults.push(this.#source.fault(path, message, at));
  }

  /** A fault, unless the file has something there which has been found wrong before. */
  missing(path: KeyPath, right: string): void {
    if (!this.wasWrong(path)) this.fault(path, `is missing; must be ${right}`);
  }

  warn(path: KeyPath, message: string): void {
    if (this.warnings.length > MAX_FAULTS) return;
    this.warnings.push(this.#source.fault(path, message));
  }

  wasWrong(path: KeyPath): boolean {
    return this.#validated.wasWrong(path);
  }

  /** Whether the file has something below this path that was taken out as wrong. */
  wasWrongInside(path: KeyPath): boolean {
    return this.#validated.wasWrongInside(path);
  }

  /** A name of the user's for a message, as the file has it. */
  quote(path: KeyPath, value: string): string {
    return this.#source.asWritten(path, value);
  }

  /** Whether a part of the value came from the environment, so that it must not be shown. */
  isSubstituted(path: KeyPath): boolean {
    return this.#source.isSubstituted(path);
  }
}
