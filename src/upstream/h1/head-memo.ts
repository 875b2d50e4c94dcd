import type { ResponseHead } from './response-head.ts';

/** Bytes of the longest head worth remembering; usual ones have 150 to 700. */
const MAX_HEAD = 1024;
/** Heads in a row that were not the remembered one before trying stops. */
const PATIENCE = 16;
/** Heads that then go by before it is tried again: an upstream that never repeats itself pays next to nothing. */
const PAUSE = 1024;

/**
 * The head that was read last. Servers repeat themselves: answers of one kind within one second, which is what Date
 * tells apart, often have the same head byte for byte, and the same bytes after the same method mean the same.
 */
export class HeadMemo {
  #bytes = Buffer.allocUnsafeSlow(MAX_HEAD);
  #length = 0;
  #method = '';
  #head: ResponseHead | undefined = undefined;
  #misses = 0;

  /** Bytes of the remembered head. */
  get length(): number {
    return this.#length;
  }

  /** What bytes [0, length) of the buffer begin with, if that is the remembered head in answer to this method. */
  recall(method: string, buffer: Buffer, length: number): ResponseHead | undefined {
    const end = this.#length;
    if (this.#misses < PATIENCE) {
      if (end <= length && method === this.#method && buffer.compare(this.#bytes, 0, end, 0, end) === 0) {
        this.#misses = 0;
        return this.#head;
      }
    } else if (this.#misses > PAUSE) this.#misses = 0;
    this.#misses += 1;
    return undefined;
  }

  /** Remembers a head which bytes [0, end) of the buffer are, and nothing more. */
  remember(method: string, buffer: Buffer, end: number, head: ResponseHead): void {
    if (end > MAX_HEAD || this.#misses > PATIENCE) return;
    buffer.copy(this.#bytes, 0, 0, end);
    this.#length = end;
    this.#method = method;
    this.#head = head;
  }
}
