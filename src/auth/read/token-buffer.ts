import { isUtf8 } from 'node:buffer';

/** Bytes: enough for every token that is not refused for its length. Longer texts get memory of their own. */
const ROOM = 16 * 1024;

/**
 * Bytes of the longest character in UTF-8. Without them, a text of `ROOM` characters and more bytes would be cut
 * unnoticed.
 */
const SLACK = 4;
/** The six bits of each character of base64url (RFC 4648 §5); 0 for other characters. */
const sextets = new Uint8Array(128);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;
/** The bits of the last character that belong to no byte, by the number of characters after the last group of four. */
const STRAY = [0, 0, 0b1111, 0b11];

/** Memory in which token texts become bytes and texts again. Reusing it, a new token makes little garbage. */
export class TokenBuffer {
  readonly #own = Buffer.allocUnsafeSlow(ROOM + SLACK);
  #bytes = this.#own;

  /** The bytes of the last segment that was loaded. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whether a segment is base64url in its canonical spelling: without padding, and without stray bits at its end. */
  isCanonical(segment: string): boolean {
    return this.#write(segment) >= 0;
  }

  /** Decodes a segment into `bytes`. @returns their number; -1 unless it is canonical base64url of UTF-8. */
  load(segment: string): number {
    const length = this.#write(segment);
    return length >= 0 && isUtf8(this.#bytes.subarray(0, length)) ? length : -1;
  }

  /** The text of a segment; undefined unless it is canonical base64url of UTF-8. */
  decode(segment: string): string | undefined {
    const length = this.load(segment);
    return length < 0 ? undefined : this.#bytes.toString('utf8', 0, length);
  }

  /** The text of a segment that `load` has accepted before. */
  textOf(segment: string): string {
    const bytes = this.#room(segment);
    return bytes.toString('utf8', 0, bytes.write(segment, 'base64url'));
  }

  /** A copy of an ASCII text. A slice would keep alive the whole string that it was cut from. */
  copy(text: string): string {
    const bytes = this.#room(text);
    return bytes.toString('latin1', 0, bytes.write(text, 'latin1'));
  }

  /**
   * Decodes a segment; -1 unless it is canonical. Node's decoder accepts both alphabets of base64, skips other
   * characters, ends at `=` and drops stray bits. This looks for each of these, in a quarter of the time of encoding
   * the bytes again.
   */
  #write(segment: string): number {
    const { length } = segment;
    const rest = length & 3;
    const last = sextets[segment.charCodeAt(length - 1)] as number;
    if (rest === 1 || (last & (STRAY[rest] as number)) !== 0) return -1;
    if (segment.includes('+') || segment.includes('/')) return -1;
    const bytes = this.#room(segment);
    // A character beyond ASCII takes two bytes or more. The decoder would read a part of it.
    if (bytes.write(segment, 'utf8') !== length) return -1;
    const decoded = bytes.write(segment, 'base64url');
    // When the decoder has skipped a character, a byte is missing.
    return decoded === Math.floor((length * 3) / 4) ? decoded : -1;
  }

  #room(text: string): Buffer {
    this.#bytes = text.length <= ROOM ? this.#own : Buffer.allocUnsafeSlow(text.length + SLACK);
    return this.#bytes;
  }
}
