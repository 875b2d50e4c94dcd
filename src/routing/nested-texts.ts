/** A text of the table, and the values of its two kinds. */
export interface Nested<T> {
  readonly text: string;
  /** For paths that go on with a segment behind the text, or end with it. */
  readonly bySegments: T | undefined;
  /** For paths that go on with any letter. */
  readonly byLetters: T | undefined;
  /** The longest other text of the table that this one begins with. */
  readonly shorter: Nested<T> | undefined;
}

/**
 * Texts with which paths begin. The search halves a sorted list, and then goes from each text to the longest one inside
 * it: texts that lie between such a text and the path in the order of the list begin with that text too.
 */
export class NestedTexts<T> {
  readonly #sorted: readonly Nested<T>[];

  /** @param entries each text once. */
  constructor(entries: Iterable<Omit<Nested<T>, 'shorter'>>) {
    let shorter: Nested<T> | undefined;
    this.#sorted = [...entries]
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map((entry) => {
        while (shorter !== undefined && !entry.text.startsWith(shorter.text)) shorter = shorter.shorter;
        shorter = { ...entry, shorter };
        return shorter;
      });
  }

  /** The longest text that the path begins with; `shorter` leads to the others. */
  longest(path: string): Nested<T> | undefined {
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#sorted[middle] as Nested<T>).text <= path) from = middle + 1;
      else to = middle;
    }
    let found = this.#sorted[from - 1];
    while (found !== undefined && !path.startsWith(found.text)) found = found.shorter;
    return found;
  }
}

/** Whether a path that begins with `text` has a border of segments there. */
export function hasBorder(path: string, text: string): boolean {
  return path.length === text.length || path.charCodeAt(text.length) === 0x2f;
}
