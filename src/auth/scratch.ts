import { isUtf8 } from 'node:buffer';

/** Bytes; room for any token that is not refused for its length. Longer texts get memory of their own. */
const ROOM = 16 * 1024;

/** Working memory for turning token text into bytes and back, so that a new token costs the collector little. */
export class Scratch {
  readonly #own = Buffer.allocUnsafeSlow(ROOM);
  #bytes = this.#own;

  /** Those of the last segment that was loaded. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whether a base64url text is spelled the one canonical way: no padding, no stray trailing bits. */
  isCanonical(segment: string): boolean {
    return this.#write(segment) >= 0;
  }

  /** Puts what is in a base64url segment into `bytes`. @returns how many; -1 unless canonical in spelling, and UTF-8. */
  load(segment: string): number {
    const length = this.#write(segment);
    return length >= 0 && isUtf8(this.#bytes.subarray(0, length)) ? length : -1;
  }

  /** The text in a base64url segment; undefined unless it is spelled canonically and valid UTF-8. */
  decode(segment: string): string | undefined {
    const length = this.load(segment);
    return length < 0 ? undefined : this.#bytes.toString('utf8', 0, length);
  }

  /** The text in a segment of which `load` has found before that it is spelled canonically and UTF-8. */
  known(segment: string): string {
    const bytes = this.#room(segment);
    return bytes.toString('utf8', 0, bytes.write(segment, 'base64url'));
  }

  /** A flat copy of an ASCII text that keeps nothing else alive, such as the string it was cut from. */
  copy(text: string): string {
    const bytes = this.#room(text);
    return bytes.toString('latin1', 0, bytes.write(text, 'latin1'));
  }

  #write(segment: string): number {
    const bytes = this.#room(segment);
    const length = bytes.write(segment, 'base64url');
    return bytes.toString('base64url', 0, length) === segment ? length : -1;
  }

  #room(text: string): Buffer {
    this.#bytes = text.length <= ROOM ? this.#own : Buffer.allocUnsafeSlow(text.length);
    return this.#bytes;
  }
}
