import { type Fault, type KeyPath, MAX_FAULTS } from '../fault.ts';
import type { Validated } from '../schema/validate.ts';
import type { Source } from '../source/source.ts';

/** Collects faults and warnings for all steps of resolving, and knows the parts of the file that are wrong already. */
export class Findings {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #source: Source;
  readonly #validated: Validated;

  constructor(source: Source, validated: Validated) {
    this.#source = source;
    this.#validated = validated;
  }

  /** Beyond the shown faults one more is kept, so that the list says that there are more. */
  fault(path: KeyPath, message: string, at: 'value' | 'key' = 'value'): void {
    if (this.faults.length > MAX_FAULTS) return;
    this.faults.push(this.#source.fault(path, message, at));
  }

  /** Reports a missing part, unless the file has something there that is wrong already. */
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

  /** Whether something below this path was wrong and removed. */
  wasWrongInside(path: KeyPath): boolean {
    return this.#validated.wasWrongInside(path);
  }

  /** `routes[0].match, line 5`: another part of the file, for a message; without line if the configuration has none. */
  placeOf(path: KeyPath): string {
    const { path: key, line } = this.#source.fault(path, '', 'key');
    return line === 0 ? key : `${key}, line ${line}`;
  }

  /** A name as the user wrote it, quoted for a message. */
  quote(path: KeyPath, value: string): string {
    return this.#source.asWritten(path, value);
  }

  /** Whether a part of the value came from the environment; a message must not show it then. */
  isSubstituted(path: KeyPath): boolean {
    return this.#source.isSubstituted(path);
  }
}
