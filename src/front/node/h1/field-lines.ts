import { COLON, CR, HTAB, isBlank, LF, SP, tokenBytes } from '../../../http/ascii.ts';
import { hashOn, NameTable } from './name-table.ts';

/** Room for field lines at first. The tables grow when the limit allows more lines. */
const FIRST_ROOM = 128;

/** The top bit of each of four bytes. */
const TOP_BITS = 0x80808080 | 0;

/** Bytes that have no view as words. */
export const noWords = new Int32Array(0);

/**
 * Finds the field lines of a head (RFC 9112 §5) in one pass. Only CRLF ends a line, and nothing but a field value may hold
 * white space: no fold (§5.2), no blank before the colon (§5.1).
 *
 * The scan judges a line once its line feed has come. A head therefore gets the same judgement however it is cut into
 * pieces, and bytes without a line feed need no scan.
 */
export class FieldLines {
  /** The result of the last scan: all lines and the empty line (`end`), `more` bytes needed, or a refusal. */
  step: 'more' | 'end' | 'fault' | 'too_many' = 'more';
  /** Lines found. */
  count = 0;
  names: string[] = [];
  kinds = new Uint8Array(FIRST_ROOM);
  /** Offsets of the values, without the white space around them. */
  starts = new Uint32Array(FIRST_ROOM);
  ends = new Uint32Array(FIRST_ROOM);
  readonly #table = new NameTable();

  /**
   * Scans [from, to), which begins with a line.
   * @param words the same bytes as 32-bit words, or `noWords`.
   * @param limit lines that may come.
   * @returns the offset after the empty line, or that of the first line that is not whole.
   */
  scan(bytes: Buffer, words: Int32Array, from: number, to: number, limit: number): number {
    const names: string[] = [];
    const table = this.#table;
    const tokens = tokenBytes;
    let count = 0;
    let at = from;
    this.names = names;
    table.start();
    for (;;) {
      const line = at;
      this.count = count;
      if (at === to) return this.#stop('more', line);
      if (bytes[at] === CR) {
        at += 1;
        if (at === to) return this.#stop('more', line);
        if (bytes[at] !== LF) return this.#refuse(bytes, at, to, line);
        return this.#stop('end', at + 1);
      }
      let known = table.guess(bytes, at, to);
      if (known === undefined) {
        let hash = 0;
        let byte = bytes[at] as number;
        while (tokens[byte] === 1) {
          hash = hashOn(hash, byte);
          at += 1;
          if (at === to) return this.#stop('more', line);
          byte = bytes[at] as number;
        }
        if (at === line || byte !== COLON) return this.#refuse(bytes, at, to, line);
        known = table.find(bytes, line, at, hash);
      } else at += known.spelling.length;
      at += 1;
      while (at < to && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
      const start = at;
      at = endOfValue(bytes, words, at, to);
      if (at === to) return this.#stop('more', line);
      if (bytes[at] !== CR) return this.#refuse(bytes, at, to, line);
      let end = at;
      at += 1;
      if (at === to) return this.#stop('more', line);
      if (bytes[at] !== LF) return this.#refuse(bytes, at, to, line);
      at += 1;
      if (count === limit) return this.#stop('too_many', line);
      while (end > start && isBlank(bytes[end - 1] as number)) end -= 1;
      if (count === this.starts.length) this.#grow();
      names.push(known.name);
      this.kinds[count] = known.kind;
      this.starts[count] = start;
      this.ends[count] = end;
      count += 1;
    }
  }

  #refuse(bytes: Buffer, at: number, to: number, line: number): number {
    return this.#stop(hasLineFeed(bytes, at, to) ? 'fault' : 'more', line);
  }

  #stop(step: FieldLines['step'], at: number): number {
    this.step = step;
    return at;
  }

  #grow(): void {
    const room = this.starts.length * 2;
    const { kinds, starts, ends } = this;
    this.kinds = new Uint8Array(room);
    this.starts = new Uint32Array(room);
    this.ends = new Uint32Array(room);
    this.kinds.set(kinds);
    this.starts.set(starts);
    this.ends.set(ends);
  }
}

/** Whether there is a line feed in [from, to). */
export function hasLineFeed(bytes: Buffer, from: number, to: number): boolean {
  const found = bytes.indexOf(LF, from);
  return found >= 0 && found < to;
}

/**
 * The offset of the first byte in [from, to) that may not stand in a field value (RFC 9110 §5.5); `to` without one. Eight
 * bytes are checked at once where all of them are visible ASCII or a space.
 */
function endOfValue(bytes: Buffer, words: Int32Array, from: number, to: number): number {
  const lastPair = words.length === 0 ? 0 : (to >> 2) - 1;
  let at = from;
  for (;;) {
    if ((at & 3) === 0) {
      let index = at >> 2;
      while (index < lastPair) {
        const one = words[index] as number;
        const two = words[index + 1] as number;
        if (((oddBits(one) | oddBits(two)) & TOP_BITS) !== 0) break;
        index += 2;
      }
      at = index << 2;
    }
    if (at === to) return at;
    const byte = bytes[at] as number;
    if ((byte < 0x20 && byte !== HTAB) || byte === 0x7f) return at;
    at += 1;
  }
}

/** Sets the top bit of each byte that is below 0x20 (by the difference), 0x7f (by the sum) or above. */
function oddBits(word: number): number {
  return (word - 0x20202020) | 0 | ((word + 0x01010101) | 0) | word;
}
