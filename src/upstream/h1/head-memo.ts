import type { ResponseHead } from './response-head.ts';

/** Bytes of the longest head that is remembered; usual heads have 150 to 700. */
const MAX_HEAD = 1024;
/** Comparisons in a row that fail before the memo pauses. */
const MAX_MISSES = 16;
/** Heads that pass during a pause: an upstream that never repeats itself then pays next to nothing. */
const PAUSE = 1024;

/**
 * The last head. Servers repeat themselves: similar responses within one second, which is the resolution of Date, often
 * have the same head byte for byte. The same bytes after the same method have the same meaning.
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

  /** The remembered head, if bytes [0, length) of the buffer begin with it and the method is the same. */
  recall(method: string, buffer: Buffer, length: number): ResponseHead | undefined {
    const end = this.#length;
    if (this.#misses < MAX_MISSES) {
      if (end <= length && method === this.#method && buffer.compare(this.#bytes, 0, end, 0, end) === 0) {
        this.#misses = 0;
        return this.#head;
      }
    } else if (this.#misses > PAUSE) this.#misses = 0;
    this.#misses += 1;
    return undefined;
  }

  /** Remembers a head; bytes [0, end) of the buffer are that head and nothing else. */
  remember(method: string, buffer: Buffer, end: number, head: ResponseHead): void {
    if (end > MAX_HEAD || this.#misses > MAX_MISSES) return;
    buffer.copy(this.#bytes, 0, 0, end);
    this.#length = end;
    this.#method = method;
    this.#head = head;
  }
}
