import { HeadMemo } from './head-memo.ts';
import { ResponseHeadReader } from './response-head-reader.ts';

/**
 * A head reader for the parser that reads next. Nearly all heads arrive whole, so the parsers of many connections can
 * share one reader. The shared reader stays in the processor's cache; one reader for each parser would not.
 */
export class SpareHeadReader {
  /** The last head that any of the parsers read. */
  readonly memo: HeadMemo = new HeadMemo();
  #reader = new ResponseHeadReader();

  /** The reader. The borrower must drop it in the same turn or call `giveAway`. */
  lend(): ResponseHeadReader {
    return this.#reader;
  }

  /** Leaves the reader to its borrower, whose head is not complete yet. */
  giveAway(): void {
    this.#reader = new ResponseHeadReader();
  }
}
