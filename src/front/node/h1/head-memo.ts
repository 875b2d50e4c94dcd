import type { H1RequestHead } from './request-head.ts';

/** Bytes of the longest head that is remembered: one with a large token and some cookies. */
const MAX_HEAD = 4096;
/** Bytes of room for the first head. A longer head gets more. */
const FIRST_ROOM = 1024;
/** Heads that all connections of a front remember together. Each takes up to two times `MAX_HEAD`: 4 MB at most. */
const MEMOS = 512;
/** Useful memos in a row that a search spares. It takes the next one even if that is useful. */
const MAX_SPARED = 16;

/**
 * The last head of one connection. Clients repeat themselves: the fields of one request are often those of the request
 * before, byte for byte, and have the same meaning then. Only heads of HTTP/1.1 in origin-form are remembered, because
 * version and authority change what the fields mean.
 */
export class HeadMemo {
  #bytes = Buffer.allocUnsafeSlow(FIRST_ROOM);
  /** Bytes of the request line, and of the whole head. */
  #fieldsAt = 0;
  #length = 0;
  /** The remembered head; undefined before the first. */
  head: H1RequestHead | undefined = undefined;
  /** Counts the connections that have used this memo. A connection with another number has lost it. */
  turn = 0;
  /** Its head came again since a search last spared it. */
  useful = false;

  /** The offset after the remembered request line, if [from, to) begins with it; otherwise -1. */
  afterLine(bytes: Buffer, from: number, to: number): number {
    const known = this.#bytes;
    const length = this.#fieldsAt;
    if (to - from < length) return -1;
    for (let index = 0; index < length; index += 1) if (bytes[from + index] !== known[index]) return -1;
    return from + length;
  }

  /** The offset after the remembered field lines and their empty line, if [from, to) begins with them; otherwise -1. */
  afterFields(bytes: Buffer, from: number, to: number): number {
    const end = from + this.#length - this.#fieldsAt;
    if (end > to || bytes.compare(this.#bytes, this.#fieldsAt, this.#length, from, end) !== 0) return -1;
    return end;
  }

  /** Remembers a head, which stands in [from, end) with its first field line at `fieldsAt`. */
  keep(head: H1RequestHead, bytes: Buffer, from: number, fieldsAt: number, end: number): void {
    const length = end - from;
    if (length > MAX_HEAD) return;
    if (length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(length > MAX_HEAD / 2 ? MAX_HEAD : MAX_HEAD / 2);
    }
    bytes.copy(this.#bytes, 0, from, end);
    this.#fieldsAt = fieldsAt - from;
    this.#length = length;
    this.head = head;
  }
}

/** The memos of one front. Connections take turns with them, so an idle connection costs nothing. */
export class HeadMemos {
  readonly #memos: HeadMemo[] = [];
  #next = 0;

  /** Gives a connection a memo. When all are in use it takes one from another connection, if possible a useless one. */
  claim(): HeadMemo {
    let memo: HeadMemo;
    if (this.#memos.length < MEMOS) {
      memo = new HeadMemo();
      this.#memos.push(memo);
    } else {
      memo = this.#advance();
      for (let spared = 0; memo.useful && spared < MAX_SPARED; spared += 1) {
        memo.useful = false;
        memo = this.#advance();
      }
    }
    memo.turn += 1;
    memo.useful = false;
    memo.head = undefined;
    return memo;
  }

  #advance(): HeadMemo {
    const memo = this.#memos[this.#next] as HeadMemo;
    this.#next = (this.#next + 1) % this.#memos.length;
    return memo;
  }
}
