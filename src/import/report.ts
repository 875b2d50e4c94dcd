import type { Entry } from './sections.ts';

/** What is told of a line of the file. */
export interface Remark {
  readonly line: number;
  readonly text: string;
  /** What to do, as a sentence without its dot. */
  readonly remedy: string;
}

/** Gathers what is told of the lines of a file, and which lines have their counterpart. */
export class Report {
  readonly #remarks = new Map<string, Remark>();
  readonly #carried = new Set<Entry>();

  /** In the order of the lines. */
  get remarks(): readonly Remark[] {
    return [...this.#remarks.values()].sort((a, b) => a.line - b.line);
  }

  /** The line has its counterpart. */
  carry(...entries: readonly (Entry | undefined)[]): void {
    for (const entry of entries) if (entry !== undefined) this.#carried.add(entry);
  }

  isCarried(entry: Entry): boolean {
    return this.#carried.has(entry);
  }

  /** Tells something of a line, once. */
  say({ number, text }: Pick<Entry, 'number' | 'text'>, remedy: string): void {
    this.#remarks.set(`${number} ${remedy}`, { line: number, text, remedy });
  }
}
