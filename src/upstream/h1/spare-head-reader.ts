import { HeadMemo } from './head-memo.ts';
import { ResponseHeadReader } from './response-head-reader.ts';

/**
 * A head reader for the parser that reads a head next. Nearly all heads come whole, so that the parsers of many
 * connections get by with one, which stays in the processor's cache where one for each would not.
 */
export class SpareHeadReader {
  /** The head that any of them read last. */
  readonly memo: HeadMemo = new HeadMemo();
  private reader = new ResponseHeadReader();

  /** The reader, to be used and forgotten in the same turn. */
  lend(): ResponseHeadReader {
    return this.reader;
  }

  /** The borrower keeps the reader, because the head will go on later. */
  giveAway(): void {
    this.reader = new ResponseHeadReader();
  }
}
