/** Seconds that are shown, as many as the gateway keeps. */
export const SHOWN_SECONDS = 600;
/** Milliseconds between two samples from which on there is a gap. */
const GAP_MS = 3_500;

/** The samples of the last ten minutes by their time. Those of a gateway that was restarted stay, behind a gap. */
export class Samples {
  /** @type {any[]} */
  #all = [];

  /** The newest sample. */
  get last() {
    return this.#all.at(-1);
  }

  /** @param {readonly any[]} samples */
  add(samples) {
    const [first] = samples;
    if (first === undefined) return;
    // What a stream tells again replaces what is here.
    const older = this.#all.filter(({ at }) => at < first.at);
    const oldest = samples[samples.length - 1].at - SHOWN_SECONDS * 1000;
    this.#all = [...older, ...samples].filter(({ at }) => at > oldest);
  }

  /**
   * Columns for a chart: seconds since the epoch, and a value of each sample for each reader; null in gaps.
   * @param {readonly ((sample: any) => number | null)[]} readers
   * @returns {(number | null)[][]}
   */
  columns(readers) {
    /** @type {(number | null)[][]} */
    const columns = [[], ...readers.map(() => [])];
    let before = Number.POSITIVE_INFINITY;
    for (const sample of this.#all) {
      if (sample.at - before > GAP_MS) push(columns, before / 1000 + 1, () => null);
      push(columns, sample.at / 1000, (index) => readers[index]?.(sample) ?? null);
      before = sample.at;
    }
    return columns;
  }

  /**
   * The words with the most requests in all samples.
   * @param {(word: string) => boolean} isWanted
   * @param {number} most
   */
  words(isWanted, most) {
    /** @type {Map<string, number>} */
    const sums = new Map();
    for (const { outcomes } of this.#all) {
      for (const [word, count] of Object.entries(outcomes)) {
        if (isWanted(word)) sums.set(word, (sums.get(word) ?? 0) + count);
      }
    }
    return [...sums]
      .sort(([, one], [, two]) => two - one)
      .slice(0, most)
      .map(([word]) => word);
  }
}

function push(columns, seconds, value) {
  columns[0].push(seconds);
  for (let index = 1; index < columns.length; index += 1) columns[index].push(value(index - 1));
}
