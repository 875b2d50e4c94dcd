/**
 * Samples that are kept, one for each second: ten minutes. The text of one has some 300 bytes, and at most 1 KiB, because
 * its outcomes are bounded. So all take some 180 KiB, and at most 600 KiB.
 */
const MAX_SAMPLES = 600;

/** The last ten minutes, as JSON texts with consecutive numbers. */
export class History {
  #texts: string[] = [];
  #last = 0;

  /** The number of the newest sample; 0: there is none. */
  get last(): number {
    return this.#last;
  }

  add(sample: object): void {
    this.#texts.push(JSON.stringify(sample));
    if (this.#texts.length > MAX_SAMPLES) this.#texts.shift();
    this.#last += 1;
  }

  /** A JSON array of the samples behind a number, oldest first; those that are no longer kept are missing. */
  after(number: number): string {
    const wanted = Math.min(Math.max(0, this.#last - number), this.#texts.length);
    return `[${this.#texts.slice(this.#texts.length - wanted).join(',')}]`;
  }
}
